import type { ControlItem } from "@tuppence/core/leases";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { createHash } from "node:crypto";
import { ring } from "../src/drain/ring.ts";
import { bellPlace, entryKey } from "../src/entries/keys.ts";
import { ScheduleBusyError } from "../src/errors.ts";
import { SCHEDULER_GUARDS, type SchedulerGuards } from "../src/guards.ts";
import type { When } from "../src/recurrence/schedule-spec.ts";
import { contextOf, createSchedulerOn, type Scheduler } from "../src/scheduler.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { Occurrence, Targets } from "../src/targets/target.ts";
import { createSchedulerWorkerOn } from "../src/worker/create-scheduler-worker.ts";
import { type Profile, someProfile } from "./scheduler-profiles.ts";
import { BEGINNING, type CarriedOut, Process, World } from "./scheduler-world.ts";

/**
 * Histories of processes that schedule, cancel, move, pause and resume, and of what fires: doorbells that TTL removes at once or days late,
 * twice, in any order or in silence; workers; or both. Each can be replayed from its seed. What everybody was told is compared with what was
 * fired.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHARDS = 2;

/** After the faults, everything that is due is fired within this time, in milliseconds. */
const SETTLING_MS: number = 1.25 * HOUR;

/** What drives a history. */
export type Drive = "bells" | "worker" | "both";

export interface SchedulerHistory {
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly fired: number;
  readonly cancelled: number;
  /** A hash of all that was written and fired, and when: the same whenever the seed is run. */
  readonly trace: string;
}

/** What is switched off, and what histories are like then. */
export interface Sabotage {
  readonly guards?: Partial<SchedulerGuards> | undefined;
  readonly bias?: Partial<Profile> | undefined;
}

/** Runs one history; answers what went wrong in it, and how much happened. */
export async function runHistory(
  seed: number,
  drive: Drive,
  { guards = {}, bias = {} }: Sabotage = {},
): Promise<SchedulerHistory> {
  const model = new SchedulerModel(seed, drive, { guards, bias });
  await model.run();
  const all = [...model.plans.values()];
  return {
    problems: model.problems.map((problem) => `seed ${seed}, ${drive}: ${problem}`),
    acknowledged: all.filter(({ isAcknowledged }) => isAcknowledged).length,
    fired: all.filter(({ fires }) => fires.length > 0).length,
    cancelled: all.filter(({ cancelledAt }) => cancelledAt !== undefined).length,
    trace: model.trace,
  };
}

/** What somebody wanted to be fired. */
interface Plan {
  readonly key: number;
  readonly target: "write" | "call";
  readonly isSeries: boolean;
  /** Ids and names by which it can be asked for. */
  readonly handles: string[];
  isAcknowledged: boolean;
  /** When it was told to be cancelled. */
  cancelledAt: number | undefined;
  /** Whether it may have been cancelled. */
  mayBeCancelled: boolean;
  /** Whether it was asked for once more: after a cancellation, that is another schedule. */
  isAskedAgain: boolean;
  readonly fires: { readonly id: string; readonly at: number; readonly dueMs: number }[];
}

interface Client {
  readonly process: Process;
  readonly scheduler: Scheduler;
}

class SchedulerModel {
  readonly problems: string[] = [];
  readonly plans = new Map<number, Plan>();
  readonly #drive: Drive;
  readonly #guards: SchedulerGuards;
  readonly #world: World;
  readonly #profile: Profile;
  /** Doorbells that were hung. */
  readonly #bells = new Set<string>();
  readonly #follows = new Map<string, string>();
  /** Who schedules. */
  #clients: Client[] = [];
  #workers: Process[] = [];
  readonly #trace = createHash("sha256");

  constructor(seed: number, drive: Drive, { guards, bias }: Sabotage) {
    const random = seededRandom(seed);
    this.#drive = drive;
    this.#guards = { ...SCHEDULER_GUARDS, ...guards };
    this.#world = new World(random);
    this.#world.onWrite = (done) => this.#written(done);
    this.#profile = { ...someProfile(random, drive), ...bias };
    this.#world.deaths = this.#profile.deaths;
    this.#world.delays = this.#profile.delays;
    this.#world.onDelay = () => {
      if (this.#profile.meets && this.#world.isFaulty)
        this.#world.at(this.#world.time + 50, undefined, () => this.#act());
    };
  }

  get trace(): string {
    return this.#trace.copy().digest("hex");
  }

  async run(): Promise<void> {
    const world = this.#world;
    const { steps, stepMs, hasLongSteps, meddling } = this.#profile;
    for (let step = 0; step < steps; step++) {
      const isLong = hasLongSteps && this.#random() < 0.1;
      await world.runUntil(world.time + this.#random() ** 2 * (isLong ? 48 * HOUR : stepMs));
      this.#act();
      if (this.#random() < meddling) this.#meddle();
    }
    // Nobody asks for anything any more; late requests arrive.
    for (const { process } of this.#clients) process.isDead = true;
    await world.runUntil(world.time + 5 * MINUTE);
    world.isFaulty = false;
    await this.#settle();
    await this.#check();
  }

  /** Everything is well again: what is left of the plans comes to its end. */
  async #settle(): Promise<void> {
    const world = this.#world;
    const { scheduler } = this.#addClient();
    const done = (async () => {
      await scheduler.resume({ all: true });
      if (this.#profile.losesBells && this.#drive !== "worker")
        await scheduler.recover({ since: new Date(BEGINNING - HOUR) });
    })();
    void done.catch((error: unknown) => this.problems.push(`it did not settle: ${String(error)}`));
    // Another worker takes over, or bells do.
    for (const process of this.#workers) process.isDead = true;
    if (this.#drive === "worker") this.#addWorker();
    for (const partition of this.#bells) this.#expireIn(partition, this.#random() * 10 * MINUTE);
    await world.runUntil(world.time + SETTLING_MS);
  }

  #act(): void {
    this.#clients = this.#clients.filter(({ process }) => !process.isDead);
    const { clients, workers, schedules, cancels, moves } = this.#profile;
    while (this.#clients.length < clients) this.#addClient();
    if (this.#drive !== "bells") {
      this.#workers = this.#workers.filter((process) => !process.isDead);
      if (this.#workers.length < 2 && this.#random() < workers) this.#addWorker();
    }
    const client = this.#pick(this.#clients);
    if (client === undefined) return;
    const kind = this.#random();
    const plan = this.#pick([...this.plans.values()].filter(({ handles }) => handles.length > 0));
    const act = (work: () => Promise<void>): void =>
      void work().catch((error: unknown) => this.#failed(error));
    if (plan === undefined || kind < schedules) act(() => this.#schedule(client.scheduler));
    else if (kind < schedules + cancels) act(() => this.#cancel(client.scheduler, plan));
    else if (kind < schedules + cancels + moves) act(() => this.#move(client.scheduler, plan));
    else act(() => this.#pause(client.scheduler, plan));
  }

  async #schedule(scheduler: Scheduler): Promise<void> {
    const key = this.plans.size;
    const { series, allow, misfire } = this.#profile;
    const isSeries = this.#random() < series;
    const target = this.#random() < 0.5 ? "write" : "call";
    const name = isSeries || this.#random() < 0.3 ? `n${key}` : undefined;
    const overlap = isSeries && this.#random() < allow ? "allow" : "skip";
    const plan: Plan = {
      key,
      target,
      isSeries,
      handles: name === undefined ? [] : [name],
      isAcknowledged: false,
      cancelledAt: undefined,
      mayBeCancelled: false,
      isAskedAgain: false,
      fires: [],
    };
    this.plans.set(key, plan);
    const words = { target, payload: { key }, name, overlap, misfire } as const;
    const when = isSeries ? this.#someInterval() : { at: this.#someTime() };
    // Who has a name can ask again.
    for (let attempt = 0; attempt < (name === undefined ? 1 : 3); attempt++) {
      plan.isAskedAgain = attempt > 0;
      try {
        const { id } = await scheduler.schedule({ ...words, ...when });
        plan.handles.push(id);
        plan.isAcknowledged = true;
        return;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  async #cancel(scheduler: Scheduler, plan: Plan): Promise<void> {
    plan.mayBeCancelled = true;
    const wasAcknowledged = plan.isAcknowledged;
    const answer = await scheduler.cancel(this.#pick(plan.handles) ?? "");
    if (answer === "cancelled") plan.cancelledAt ??= this.#world.time;
    const hasFired = plan.fires.length > 0;
    if (answer === "alreadyFired" && !hasFired) this.problems.push(`${plan.key} is told to have fired`);
    if (answer === "unknown" && wasAcknowledged) this.problems.push(`${plan.key} is told to be unknown`);
  }

  async #move(scheduler: Scheduler, plan: Plan): Promise<void> {
    const handle = this.#pick(plan.handles) ?? "";
    const when = plan.isSeries ? this.#someInterval() : { at: this.#someTime() };
    const isNow = !plan.isSeries && this.#random() < 0.3;
    const { id } = isNow ? await scheduler.fireNow(handle) : await scheduler.reschedule(handle, when);
    plan.handles.push(id);
  }

  async #pause(scheduler: Scheduler, plan: Plan): Promise<void> {
    const handle = this.#pick(plan.handles) ?? "";
    await (this.#random() < 0.5 ? scheduler.pause(handle) : scheduler.resume(handle));
  }

  #someTime(): number {
    const { fromMs, toMs } = this.#profile;
    const endMs = toMs > 0 && this.#random() < 0.1 ? HOUR : toMs;
    return Math.floor(this.#world.time + fromMs + this.#random() * (endMs - fromMs));
  }

  /** On whole minutes: what is made anew by somebody else, with another clock, may be due when something was before. */
  #someInterval(): When {
    return { every: (2 + this.#upTo(this.#profile.maxInterval - 1)) * MINUTE, startingAt: BEGINNING };
  }

  #failed(error: unknown): void {
    const { code, name } = error as { readonly code?: string; readonly name?: string };
    const isKnown = error instanceof ScheduleBusyError || name === "ThrottlingException";
    if (isKnown || code === "scheduleState" || code === "scheduleMissing") return;
    this.problems.push(`${String(error)} ${error instanceof Error ? error.stack : ""}`);
  }

  /** Freezes or kills a process. */
  #meddle(): void {
    const process = this.#pick([...this.#clients.map((client) => client.process), ...this.#workers]);
    if (process === undefined) return;
    if (this.#random() < 0.7) process.frozenUntil = this.#world.time + this.#random() ** 2 * 15 * MINUTE;
    else process.isDead = true;
  }

  #addClient(): Client {
    const process = new Process(this.#world, this.#profile.clock);
    const { storage, runtime } = process;
    const targets = this.#targetsOf(process, () => 0);
    const scheduler = createSchedulerOn(
      { storage, targets, runtime, shards: SHARDS },
      { guards: this.#guards },
    );
    const client = { process, scheduler };
    this.#clients.push(client);
    return client;
  }

  #addWorker(): void {
    const process = new Process(this.#world, this.#profile.drainClock);
    const { storage, runtime } = process;
    const targets = this.#targetsOf(process, () => 0);
    const settings = { workerId: "worker", leaseDurationMs: 60_000, lookMs: 20_000 };
    const options = { storage, targets, runtime, ...settings };
    const worker = createSchedulerWorkerOn(options, { guards: this.#guards });
    worker.start();
    this.#workers.push(process);
  }

  #targetsOf(process: Process, provenMs: () => number): Targets {
    const fire = async (occurrence: Occurrence, write: () => Promise<boolean>): Promise<boolean> => {
      const nowMs = Math.max(process.runtime.now(), provenMs());
      if (nowMs < occurrence.fireAt.getTime()) this.problems.push(`${occurrence.id} fires early`);
      if (this.#world.isFaulty && this.#random() < this.#profile.failures) throw transientFailure();
      await process.runtime.sleep(this.#random() ** 4 * 20_000);
      return write();
    };
    return {
      call: {
        kind: "call",
        fire: (occurrence) =>
          fire(occurrence, async () => {
            this.#fired(occurrence, await this.#isClaimed(occurrence));
            return true;
          }),
      },
      write: {
        kind: "write",
        isInStore: true,
        fire: async (occurrence, { finish }) => {
          const { key } = occurrence.payload as { readonly key: number };
          const sort = `${key}|${Math.floor(this.#random() * 1e12)}`;
          const own = {
            key: { partition: "written", sort },
            where: {},
            set: { id: occurrence.id, due: occurrence.dueAt.getTime() },
          };
          const applied = await fire(
            occurrence,
            async () => (await process.storage.transact([...finish.changes, own], [])).applied,
          );
          return applied ? "fired" : "refused";
        },
      },
    };
  }

  /** Whether the attempt is the one for which the entry is claimed; another has taken it over from who was frozen. */
  async #isClaimed({ id, attempt }: Occurrence): Promise<boolean> {
    const entry = await this.#world.memory.find(entryKey(id));
    return entry?.["st"] === "claimed" && entry["a"] === attempt;
  }

  #fired({ id, payload, dueAt }: Pick<Occurrence, "id" | "payload" | "dueAt">, isClaimed: boolean): void {
    const plan = this.plans.get((payload as { readonly key: number }).key);
    if (plan === undefined) return;
    const { time: at } = this.#world;
    this.#note(id);
    const isCancelled = plan.cancelledAt !== undefined && plan.cancelledAt < at && !plan.isAskedAgain;
    if (isCancelled && isClaimed) {
      // What was begun before it was cancelled is told to be firing, not cancelled.
      this.problems.push(`${plan.key} fired after it was cancelled`);
    }
    plan.fires.push({ id, at, dueMs: dueAt.getTime() });
  }

  #written({ key, before, after }: CarriedOut): void {
    this.#note([key, after]);
    if (key.partition === "written" && after !== undefined) {
      const payload = { key: Number(key.sort.split("|")[0]) };
      this.#fired({ id: String(after["id"]), payload, dueAt: new Date(Number(after["due"])) }, true);
    }
    if (key.partition.startsWith("BELL|") && after !== undefined && before === undefined)
      this.#hang(key.partition);
    if (!key.partition.startsWith("DUE|") || after === undefined) return;
    if (
      after["st"] === "claimed" &&
      after["h"] === undefined &&
      before?.["st"] !== "pending" &&
      before?.["st"] !== "claimed"
    ) {
      this.problems.push(`${key.sort} was claimed while it was ${String(before?.["st"])}`);
    }
    this.#checkFork(key.sort, before, after);
  }

  #note(what: unknown): void {
    this.#trace.update(JSON.stringify([this.#world.time, what]));
  }

  /** Nothing is followed by two of the same series. */
  #checkFork(id: string, before: ControlItem | undefined, after: ControlItem): void {
    const { v: previous, g: generation } = after;
    if (before !== undefined || previous === undefined) return;
    const follows = `${String(previous)}|${String(generation)}`;
    const other = this.#follows.get(follows);
    if (other !== undefined && other !== id)
      this.problems.push(`${String(previous)} is followed by ${id} and ${other}`);
    this.#follows.set(follows, id);
  }

  /** TTL removes a doorbell some time after it is due. */
  #hang(partition: string): void {
    this.#bells.add(partition);
    this.#expireIn(partition, 0);
  }

  #expireIn(partition: string, ms: number): void {
    this.#world.at(this.#world.time + ms, undefined, () => void this.#expire(partition));
  }

  async #expire(partition: string): Promise<void> {
    const world = this.#world;
    const key = { partition, sort: "bell" };
    const ttl = (await world.memory.find(key))?.["ttl"];
    if (ttl === undefined) return;
    const dueMs = Number(ttl) * 1_000;
    if (world.time < dueMs) {
      const delayMs = this.#random() * (world.isFaulty ? this.#profile.ttlDelayMs : MINUTE);
      return this.#expireIn(partition, dueMs - world.time + delayMs);
    }
    await world.memory.delete(key);
    this.#bells.delete(partition);
    const isLost = world.isFaulty && this.#profile.losesBells && this.#random() < 0.3;
    if (this.#drive === "worker" || isLost) return;
    const deliver = (): void => void this.#deliver(bellPlace(partition)?.shard ?? 0, dueMs);
    deliver();
    if (this.#random() < 0.1) world.at(world.time + this.#random() * HOUR, undefined, deliver);
  }

  /** As an event source mapping does: until it ends well, and anew when it takes too long. */
  async #deliver(shard: number, provenMs: number): Promise<void> {
    const world = this.#world;
    for (;;) {
      const process = new Process(world, this.#profile.drainClock);
      const { storage, runtime } = process;
      const targets = this.#targetsOf(process, () => (this.#guards.trustsBell ? provenMs : 0));
      const scheduler = createSchedulerOn({ storage, targets, runtime }, { guards: this.#guards });
      const rung = ring({ ...contextOf(scheduler), concurrency: 4 }, shard, provenMs).then(
        () => true,
        (error: unknown) => {
          this.#failed(error);
          return false;
        },
      );
      const tooLong = new Promise<false>((resolve) => {
        world.at(world.time + 15 * MINUTE, undefined, () => resolve(false));
      });
      if (await Promise.race([rung, tooLong])) return;
    }
  }

  async #check(): Promise<void> {
    const storage = createMemoryScheduleStorage(this.#world.memory);
    const reader = createSchedulerOn({ storage, targets: {}, runtime: new Process(this.#world).runtime }, {});
    for (const plan of this.plans.values()) {
      const { key, fires, isSeries, isAcknowledged, mayBeCancelled } = plan;
      this.#checkOnce(plan);
      if (!isAcknowledged || mayBeCancelled) continue;
      if (fires.length === 0) {
        const handle = plan.handles.at(-1) ?? "";
        this.problems.push(`${key} was lost: ${JSON.stringify(await reader.get(handle))}`);
      }
      if (!isSeries) continue;
      const schedule = await reader.get(plan.handles[0] ?? "");
      const isAlive = schedule?.state === "pending" || schedule?.state === "claimed";
      const lateMs = this.#world.time - (schedule?.fireAt.getTime() ?? 0);
      if (!isAlive || lateMs > 15 * MINUTE)
        this.problems.push(`series ${key} died: ${JSON.stringify(schedule)}`);
    }
  }

  /** What is in the store fires once; elsewhere an occurrence may be tried again, but not another for the same time. */
  #checkOnce({ key, target, isSeries, fires, cancelledAt, isAskedAgain }: Plan): void {
    const once = target === "write" ? fires : [...new Map(fires.map((fire) => [fire.id, fire])).values()];
    const times = once.map(({ dueMs }) => (isSeries ? dueMs : 0));
    const isTwice = new Set(times).size < times.length && (isSeries || target === "write");
    if (isTwice) this.problems.push(`${key} was fired twice: ${JSON.stringify(fires)}`);
    const isToldWrong = cancelledAt !== undefined && !isAskedAgain && !isSeries && target === "write";
    if (isToldWrong && fires.length > 0) this.problems.push(`${key} was cancelled after it was fired`);
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#upTo(items.length)];
  }

  #random(): number {
    return this.#world.random();
  }

  #upTo(count: number): number {
    return Math.floor(this.#random() * count);
  }
}

function transientFailure(): Error {
  const error = new Error("not now");
  error.name = "ThrottlingException";
  return error;
}
