import type { ControlItem } from "@tuppence/core/leases";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { ring } from "../src/drain/ring.ts";
import { bellPlace } from "../src/entries/keys.ts";
import { ScheduleBusyError } from "../src/errors.ts";
import { SCHEDULER_GUARDS, type SchedulerGuards } from "../src/guards.ts";
import type { RunOverlap } from "../src/recurrence/series-policy.ts";
import { contextOf, createSchedulerOn, type Scheduler } from "../src/scheduler.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { Occurrence, Targets } from "../src/targets/target.ts";
import { createSchedulerWorkerOn } from "../src/worker/create-scheduler-worker.ts";
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
}

/** Runs one history; answers what went wrong in it, and how much happened. */
export async function runHistory(
  seed: number,
  drive: Drive,
  guards: Partial<SchedulerGuards> = {},
): Promise<SchedulerHistory> {
  const model = new SchedulerModel(seed, drive, { ...SCHEDULER_GUARDS, ...guards });
  await model.run();
  const all = [...model.plans.values()];
  return {
    problems: model.problems.map((problem) => `seed ${seed}, ${drive}: ${problem}`),
    acknowledged: all.filter(({ isAcknowledged }) => isAcknowledged).length,
    fired: all.filter(({ fires }) => fires.length > 0).length,
    cancelled: all.filter(({ cancelledAt }) => cancelledAt !== undefined).length,
  };
}

/** What somebody wanted to be fired. */
interface Plan {
  readonly key: number;
  readonly target: "write" | "call";
  readonly isSeries: boolean;
  readonly overlap: RunOverlap;
  /** Ids and names by which it can be asked for. */
  readonly handles: string[];
  isAcknowledged: boolean;
  /** When it was told to be cancelled. */
  cancelledAt: number | undefined;
  /** Whether it may have been cancelled. */
  mayBeCancelled: boolean;
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
  /**
   * One who schedules a little, with a slow clock: in minutes that are closed to others, whose doorbells have rung, and no later one makes up for what
   * is missing.
   */
  readonly #isQuiet: boolean;
  readonly #losesBells: boolean;
  /** How late TTL is at most, in milliseconds. */
  readonly #ttlDelayMs: number;
  /** Doorbells that were hung. */
  readonly #bells = new Set<string>();
  /** When an occurrence was claimed first. */
  readonly #begun = new Map<string, number>();
  readonly #follows = new Map<string, string>();
  /** Who schedules. */
  #clients: Client[] = [];
  #workers: Process[] = [];

  constructor(seed: number, drive: Drive, guards: SchedulerGuards) {
    const random = seededRandom(seed);
    this.#drive = drive;
    this.#guards = guards;
    this.#world = new World(random);
    this.#world.onWrite = (done) => this.#written(done);
    this.#isQuiet = random() < 0.5;
    this.#losesBells = !this.#isQuiet && random() < 0.5;
    this.#ttlDelayMs = this.#isQuiet
      ? MINUTE / 6
      : ([MINUTE, 20 * MINUTE][Math.floor(random() * 3)] ?? 72 * HOUR);
  }

  async run(): Promise<void> {
    const world = this.#world;
    const steps = this.#isQuiet ? 3 + this.#upTo(8) : 15 + this.#upTo(30);
    for (let step = 0; step < steps; step++) {
      const isLong = this.#drive === "bells" && this.#ttlDelayMs > HOUR && this.#random() < 0.1;
      const maxMs = isLong ? 48 * HOUR : this.#isQuiet ? MINUTE / 2 : 2 * MINUTE;
      await world.runUntil(world.time + this.#random() ** 2 * maxMs);
      this.#act();
      if (this.#random() < 0.2) this.#meddle();
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
      if (this.#losesBells && this.#drive !== "worker")
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
    while (this.#clients.length < (this.#isQuiet ? 1 : 3)) this.#addClient();
    if (this.#drive !== "bells") {
      this.#workers = this.#workers.filter((process) => !process.isDead);
      if (this.#workers.length < 2 && this.#random() < 0.3) this.#addWorker();
    }
    const client = this.#pick(this.#clients);
    if (client === undefined) return;
    const kind = this.#random();
    const plan = this.#pick([...this.plans.values()].filter(({ handles }) => handles.length > 0));
    const act = (work: () => Promise<void>): void =>
      void work().catch((error: unknown) => this.#failed(error));
    if (plan === undefined || kind < 0.6) act(() => this.#schedule(client.scheduler));
    else if (kind < 0.75) act(() => this.#cancel(client.scheduler, plan));
    else if (kind < 0.85) act(() => this.#move(client.scheduler, plan));
    else act(() => this.#pause(client.scheduler, plan));
  }

  async #schedule(scheduler: Scheduler): Promise<void> {
    const key = this.plans.size;
    const isSeries = !this.#isQuiet && this.#random() < 0.25;
    const target = this.#random() < 0.5 ? "write" : "call";
    const name = isSeries || this.#random() < 0.3 ? `n${key}` : undefined;
    const overlap = isSeries && this.#random() < 0.5 ? "allow" : "skip";
    const plan: Plan = {
      key,
      target,
      isSeries,
      overlap,
      handles: name === undefined ? [] : [name],
      isAcknowledged: false,
      cancelledAt: undefined,
      mayBeCancelled: false,
      fires: [],
    };
    this.plans.set(key, plan);
    const words = { target, payload: { key }, name, overlap } as const;
    const when = isSeries ? { every: 2 * MINUTE + this.#upTo(10) * MINUTE } : { at: this.#someTime() };
    // Who has a name can ask again.
    for (let attempt = 0; attempt < (name === undefined ? 1 : 3); attempt++) {
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
    const when = plan.isSeries ? { every: 3 * MINUTE } : { at: this.#someTime() };
    const isNow = !plan.isSeries && this.#random() < 0.3;
    const { id } = isNow ? await scheduler.fireNow(handle) : await scheduler.reschedule(handle, when);
    plan.handles.push(id);
  }

  async #pause(scheduler: Scheduler, plan: Plan): Promise<void> {
    const handle = this.#pick(plan.handles) ?? "";
    await (this.#random() < 0.5 ? scheduler.pause(handle) : scheduler.resume(handle));
  }

  /** From a quarter of an hour ago to one ahead, as a rule. */
  #someTime(): number {
    const ahead = this.#isQuiet ? 0 : this.#random() < 0.1 ? HOUR : 15 * MINUTE;
    return Math.floor(this.#world.time - 15 * MINUTE + this.#random() * (15 * MINUTE + ahead));
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
    const process = new Process(this.#world, this.#isQuiet ? "slow" : "any");
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
    const process = new Process(this.#world);
    const { storage, runtime } = process;
    const targets = this.#targetsOf(process, () => 0);
    const times = { leaseDurationMs: 60_000, lookMs: 20_000 };
    const worker = createSchedulerWorkerOn({ storage, targets, runtime, ...times }, { guards: this.#guards });
    worker.start();
    this.#workers.push(process);
  }

  #targetsOf(process: Process, provenMs: () => number): Targets {
    const fire = async (occurrence: Occurrence, write: () => Promise<boolean>): Promise<boolean> => {
      const nowMs = Math.max(process.runtime.now(), provenMs());
      if (nowMs < occurrence.fireAt.getTime()) this.problems.push(`${occurrence.id} fires early`);
      if (this.#world.isFaulty && this.#random() < 0.05) throw transientFailure();
      await process.runtime.sleep(this.#random() ** 4 * 20_000);
      return write();
    };
    return {
      call: {
        kind: "call",
        fire: (occurrence) =>
          fire(occurrence, async () => {
            this.#fired(occurrence);
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

  #fired({ id, payload, dueAt }: Pick<Occurrence, "id" | "payload" | "dueAt">): void {
    const plan = this.plans.get((payload as { readonly key: number }).key);
    if (plan === undefined) return;
    const { time: at } = this.#world;
    // Runs beside each other that had begun by then go on.
    const begunAt = plan.overlap === "allow" ? (this.#begun.get(id) ?? at) : at;
    if (plan.cancelledAt !== undefined && plan.cancelledAt < begunAt) {
      // What was begun before it was cancelled is told to be firing, not cancelled.
      this.problems.push(`${plan.key} fired after it was cancelled`);
    }
    plan.fires.push({ id, at, dueMs: dueAt.getTime() });
  }

  #written({ key, before, after }: CarriedOut): void {
    if (key.partition === "written" && after !== undefined) {
      const payload = { key: Number(key.sort.split("|")[0]) };
      this.#fired({ id: String(after["id"]), payload, dueAt: new Date(Number(after["due"])) });
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
    if (after["t0"] !== undefined && !this.#begun.has(key.sort)) this.#begun.set(key.sort, this.#world.time);
    this.#checkFork(key.sort, before, after);
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
      const delayMs = this.#random() * (world.isFaulty ? this.#ttlDelayMs : MINUTE);
      return this.#expireIn(partition, dueMs - world.time + delayMs);
    }
    await world.memory.delete(key);
    this.#bells.delete(partition);
    const isLost = world.isFaulty && this.#losesBells && this.#random() < 0.3;
    if (this.#drive === "worker" || isLost) return;
    const deliver = (): void => void this.#deliver(bellPlace(partition)?.shard ?? 0, dueMs);
    deliver();
    if (this.#random() < 0.1) world.at(world.time + this.#random() * HOUR, undefined, deliver);
  }

  /** As an event source mapping does: until it ends well, and anew when it takes too long. */
  async #deliver(shard: number, provenMs: number): Promise<void> {
    const world = this.#world;
    for (;;) {
      const process = new Process(world);
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
      const { key, fires, isSeries, target, isAcknowledged, mayBeCancelled } = plan;
      if (target === "write") {
        const times = fires.map(({ dueMs, id }) =>
          isSeries ? String(dueMs) : id === undefined ? "" : "once",
        );
        if (new Set(times).size < times.length)
          this.problems.push(`${key} was fired twice: ${JSON.stringify(fires)}`);
      }
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
