import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import { type EventStore, type LogReader, WaitTimeoutError } from "@tuppence/core";
import { type ControlChange, createLeaseGroup, UncertainWriteError } from "@tuppence/core/leases";
import { LEASE_GROUP } from "../src/builds/names.ts";
import { ProjectionBusyError, ProjectionMissingError } from "../src/errors.ts";
import { createProjections } from "../src/projections.ts";
import { PROJECTION_GUARDS, type ProjectionGuards } from "../src/run/guards.ts";
import type { LogSource } from "../src/run/log-window.ts";
import type { ProjectionEvent } from "../src/run/projection-event.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import { StoredProjectionWorker } from "../src/worker/projection-worker.ts";
import { ModelChecks } from "./model-checks.ts";
import {
  ALL_EVENTS,
  type Code,
  eventsOf,
  MODEL_PROJECTIONS,
  type ModelName,
  modelProjection,
  type Outside,
} from "./model-projections.ts";
import { NaiveCounts } from "./naive-counts.ts";
import { Process, World } from "@tuppence/test-support/world";
import { seededRandom } from "@tuppence/test-support/seeded-random";

/**
 * Histories of up to three processes that run projections of a log that grows, while everything goes wrong, code is deployed
 * in steps, and operators rebuild, reset, pause and replay. Each is replayable from its seed.
 */

/** What is switched off, to see that the checks notice. */
export interface Sabotage {
  readonly guards?: Partial<ProjectionGuards> | undefined;
  readonly alter?: ((change: ControlChange) => ControlChange) | undefined;
  /** Whether waits are told that all is passed, whatever is. */
  readonly waitsEarly?: boolean | undefined;
  /** What is run. Default: two or three of all. */
  readonly projections?: readonly ModelName[] | undefined;
}

export interface ProjectionHistory {
  readonly problems: readonly string[];
  readonly counts: ModelChecks["counts"];
}

const STREAMS = ["a|1", "a|2", "b|1", "b|2"];
const KEYS = ["k0", "k1", "k2"];
const LEASE_MS = 3_000;
/** Everything goes wrong for so long, and has come to rest after so long. */
const FAULTS_MS = 25_000;
const REST_MS = 400_000;
const MAX_PROCESSES = 3;
const WAIT_MS = 10_000;

/** Runs one history; answers what went wrong in it, and how much happened. */
export async function runProjectionHistory(
  seed: number,
  sabotage: Sabotage = {},
): Promise<ProjectionHistory> {
  const model = new ProjectionModel(seed, sabotage);
  await model.run();
  const { problems, counts } = model.checks;
  return { problems: problems.map((problem) => `seed ${seed}: ${problem}`), counts };
}

interface Worker {
  readonly process: Process;
  readonly worker: StoredProjectionWorker;
  readonly code: Code;
  isStopping: boolean;
}

class ProjectionModel {
  readonly checks: ModelChecks;
  readonly #random: () => number;
  readonly #world: World;
  readonly #sabotage: Sabotage;
  readonly #names: readonly ModelName[];
  readonly #chains = createMemoryStorage();
  readonly #store: EventStore;
  readonly #slots: readonly number[];
  readonly #maxEvents: number;
  readonly #isPoisoned: boolean;
  readonly #counts = new NaiveCounts(KEYS);
  #code: Code = { version: 1, isFixed: false };
  readonly #repairedAt: number;
  #workers: Worker[] = [];
  #created = 0;

  constructor(seed: number, sabotage: Sabotage) {
    const random = seededRandom(seed);
    this.#random = random;
    this.#sabotage = sabotage;
    this.#world = new World(random);
    this.checks = new ModelChecks(() => this.#world.time);
    this.#world.onWrite = (done, also) => this.checks.written(done, also);
    if (sabotage.alter) this.#world.alter = sabotage.alter;
    this.#store = createMemoryEventStore({
      events: ALL_EVENTS,
      storage: this.#chains,
      runtime: new Process(this.#world, "writer").runtime,
    });
    const shuffled = MODEL_PROJECTIONS.map((name) => ({ name, order: random() })).toSorted(
      (one, other) => one.order - other.order,
    );
    const chosen = shuffled.slice(0, random() < 0.5 ? 1 : 2).map(({ name }) => name);
    this.#names = sabotage.projections ?? chosen;
    this.#slots = [this.#upTo(2), this.#upTo(2)];
    this.#maxEvents = this.#upTo(6);
    this.#repairedAt = random() * FAULTS_MS;
    this.#isPoisoned = random() < 0.6;
  }

  async run(): Promise<void> {
    const world = this.#world;
    await this.#append();
    for (let count = this.#upTo(2); count > 0; count--) this.#startWorker();
    while (world.time < FAULTS_MS) {
      await world.runUntil(world.time + this.#random() * 2_000);
      await this.#append();
      this.#meddle();
      if (this.#random() < 0.5) this.#wait();
    }
    await this.#comeToRest();
    this.checks.checkEnd(this.#names);
    const { live } = this.checks.registrations.get("naive") ?? {};
    if (live) this.checks.problems.push(...this.#counts.problemsOf(live, this.checks.log));
  }

  #upTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }

  #live(): Worker[] {
    return this.#workers.filter(({ process, isStopping }) => !process.isDead && !isStopping);
  }

  /** Nothing goes wrong any more, the newest code is everywhere, and all that is parked is asked for. */
  async #comeToRest(): Promise<void> {
    const world = this.#world;
    world.isFaulty = false;
    this.#code = { ...this.#code, isFixed: true };
    for (const old of this.#live()) if (old.code !== this.#code) this.#stop(old);
    this.#startWorker();
    await this.#append();
    const end = world.time + REST_MS;
    const operator = this.#operator();
    let failure: unknown;
    while (!this.#isAtRest()) {
      if (world.time > end) {
        this.checks.problems.push(`no rest: ${this.#whatIsLeft()} ${String(failure)}`);
        return;
      }
      for (const name of this.#names) {
        const { paused } = this.checks.registrations.get(name) ?? {};
        if (paused) void operator.resume(name).catch((error: unknown) => (failure = error));
        if (this.checks.parkedNow > 0) {
          void operator.replay(name).catch((error: unknown) => (failure = error));
        }
      }
      await world.runUntil(world.time + 1_000);
    }
  }

  #isAtRest(): boolean {
    return this.#whatIsLeft() === "";
  }

  #whatIsLeft(): string {
    const { checks } = this;
    const left = this.#names.flatMap((name) => {
      const registration = checks.registrations.get(name);
      if (registration === undefined) return [`${name} is not registered`];
      const { live, next } = registration;
      if (next) return [`${name}@${next.number} is not live`];
      return Array.from({ length: live.slots }, (_, slot) => `${name}@${live.number}#${slot}`).flatMap(
        (resource) => {
          const position = checks.positionOf(resource);
          return position < checks.log.length
            ? [`${resource} is at ${position} of ${checks.log.length}`]
            : [];
        },
      );
    });
    if (checks.parkedNow > 0) left.push(`${checks.parkedNow} are parked`);
    return left.join(", ");
  }

  async #append(): Promise<void> {
    const random = this.#random;
    for (let appends = Math.floor(random() * 3); appends > 0; appends--) {
      const events = Array.from({ length: this.#upTo(3) }, () => this.#newEvent());
      const streamId = STREAMS[Math.floor(random() * STREAMS.length)] ?? "";
      await this.#store.append(streamId, events);
    }
    const { log } = this.checks;
    for await (const event of this.#store.readAll({ fromPosition: log.length + 1 })) log.push(event);
  }

  #newEvent(): { readonly type: string; readonly data: object } {
    const random = this.#random;
    const keys = KEYS.filter(() => random() < 0.5);
    const kind = random();
    const isPoison = this.#isPoisoned && random() < 0.15;
    const poison = (["evolve", "key", "handle", "outage"] as const)[Math.floor(random() * 4)];
    if (this.#isPoisoned && kind < 0.05) return { type: "Later", data: { keys } };
    return { type: kind < 0.2 ? "Removed" : "Added", data: { keys, ...(isPoison && { poison }) } };
  }

  #startWorker(): void {
    const world = this.#world;
    const process = new Process(world, `w${++this.#created}`);
    const code = this.#code;
    const { runtime } = process;
    const storage = createMemoryProjectionStorage(world.storageOf(process));
    const store = createMemoryEventStore({ events: eventsOf(code), storage: this.#chains, runtime });
    const slots = this.#slots[code.version - 1] ?? 1;
    const outside = this.#outside(process);
    const worker = new StoredProjectionWorker({
      projections: this.#names.map((name) =>
        modelProjection(
          name,
          // A reactor's slots stay.
          { code, slots: name === "mails" ? (this.#slots[0] ?? 1) : slots, maxEvents: this.#maxEvents },
          outside,
        ),
      ),
      store,
      storage,
      leases: createLeaseGroup({
        storage: storage.control,
        group: LEASE_GROUP,
        workerId: process.name,
        leaseDurationMs: LEASE_MS,
        runtime,
        onEvent: (event) => this.#saw({ type: "lease", event }),
      }),
      runtime,
      guards: { ...PROJECTION_GUARDS, ...this.#sabotage.guards },
      log: this.#logOf(process, store.openLogReader({ pollIntervalMs: 400 })),
      checkpointIntervalMs: 300,
      parkedLookMs: 500,
      emit: (event) => this.#saw(event),
    });
    worker.start();
    this.#workers.push({ process, worker, code, isStopping: false });
  }

  /** Mistakes of ours must not pass as what goes wrong. */
  #saw(event: ProjectionEvent): void {
    const { error } = (event.type === "lease" ? event.event : event) as { readonly error?: unknown };
    const isMistake = [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
    if (!isMistake && !String(error).includes("not pure")) return;
    this.checks.problems.push(`${event.type}: ${String((error as Error).stack)}`);
  }

  /** The log as a process reads it: late, in pages that end anywhere, and at times without what is newest. */
  #logOf(process: Process, reader: LogReader): LogSource {
    const world = this.#world;
    return {
      waitBeyond: (position, options) => reader.waitBeyond(position, options),
      read: (after, options = {}) =>
        world.call({ process, signal: options.signal, isWrite: false }, async () => {
          const page = await reader.read(after, options);
          const { isFaulty, random } = world;
          const cut = after + Math.floor(random() * (page.position - after + 1));
          if (!isFaulty || random() < 0.4) return page;
          if (cut === after && page.position > after) {
            return { ...page, events: [], unreadable: [], position: after, caughtUp: true, characters: 0 };
          }
          const isBefore = ({ position }: { readonly position: number }): boolean => position <= cut;
          const events = page.events.filter(isBefore);
          const unreadable = page.unreadable.filter(isBefore);
          return {
            ...page,
            events,
            unreadable,
            position: cut,
            caughtUp: page.caughtUp && cut === page.position,
          };
        }),
    };
  }

  #outside(process: Process): Outside {
    const { checks } = this;
    const world = this.#world;
    const write = (signal: AbortSignal, carryOut: () => void): Promise<void> =>
      world.call({ process, signal, isWrite: true }, async () => carryOut());
    return {
      isRepaired: () => !world.isFaulty || world.time > this.#repairedAt,
      insert: (events, { build, slot, after, upTo, signal }) =>
        write(signal, () => {
          const isDone = checks.inserted(String(build), slot, { events, after, upTo });
          if (!isDone) throw new Error("Its position is another.");
        }),
      loadPosition: ({ build, slot, signal }) =>
        world.call({ process, signal, isWrite: false }, async () => checks.sqlPosition(build, slot)),
      drop: ({ signal }) => write(signal, () => undefined),
      send: (event, { build, slot, signal, idempotencyKey: key }) =>
        write(signal, () => checks.sent(build, slot, { event, key })),
      count: (events, { build, slot, upTo, signal }) =>
        write(signal, () => this.#counts.add(`${build}#${slot}`, events, upTo)),
    };
  }

  /** Freezes, kills, stops or starts a process, deploys, or operates. */
  #meddle(): void {
    const random = this.#random;
    this.#workers = this.#live();
    const kind = random();
    const worker = this.#workers[Math.floor(random() * this.#workers.length)];
    if (kind < 0.2 && worker) {
      worker.process.frozenUntil = this.#world.time + random() * random() * 6 * LEASE_MS;
    } else if (kind < 0.27 && worker) worker.process.isDead = true;
    else if (kind < 0.33 && worker) this.#stop(worker);
    else if (kind < 0.45) this.#deploy();
    else if (kind < 0.7) this.#operate();
    if (this.#live().length < MAX_PROCESSES && random() < 0.4) this.#startWorker();
  }

  #stop(worker: Worker): void {
    worker.isStopping = true;
    const stopped = worker.worker.stop({ drainMs: this.#random() * 2_000 });
    void stopped.then(() => (worker.process.isDead = true));
  }

  /** What is started from now on has other code. */
  #deploy(): void {
    const random = this.#random;
    const isFixed = this.#code.isFixed || random() < 0.6;
    const version = random() < 0.4 ? 2 : this.#code.version;
    this.#code = { version, isFixed };
    const [old] = this.#live();
    if (old) this.#stop(old);
    this.#startWorker();
  }

  #operator(): ReturnType<typeof createProjections> {
    const process = new Process(this.#world, "operator");
    const storage = createMemoryProjectionStorage(this.#world.storageOf(process));
    return createProjections({ storage, store: this.#store, runtime: process.runtime });
  }

  /** Somebody waits for an event of the log, and looks when they are told that it is passed. */
  #wait(): void {
    const { checks } = this;
    const name = this.#names[Math.floor(this.#random() * this.#names.length)] ?? "naive";
    const position = this.#upTo(checks.log.length);
    if (name === "naive" || position > checks.log.length) return;
    const { resets } = checks.counts;
    const shape = { code: this.#code, slots: 1, maxEvents: 1 };
    const projection = modelProjection(name, shape, this.#outside(new Process(this.#world, "reader")));
    const waited = this.#sabotage.waitsEarly === true ? 0 : position;
    const waiting = this.#operator().waitFor(projection, waited, { timeoutMs: WAIT_MS });
    waiting.then(
      () => checks.waited(name, position, resets),
      (error: unknown) => this.#checkExpected("a wait", error),
    );
  }

  #operate(): void {
    const random = this.#random;
    const operator = this.#operator();
    const name = this.#names[Math.floor(random() * this.#names.length)] ?? "";
    const kind = random();
    const streamId = random() < 0.5 ? STREAMS[Math.floor(random() * STREAMS.length)] : undefined;
    const operation = async (): Promise<unknown> => {
      if (kind < 0.5) return operator.replay(name, { streamId });
      if (kind < 0.7) return name !== "mails" && operator.rebuild(name);
      if (kind < 0.76) return operator.cancelRebuild(name);
      if (kind < 0.82) return operator.reset(name);
      return kind < 0.9 ? operator.pause(name) : operator.resume(name);
    };
    operation().catch((error: unknown) => this.#checkExpected("an operation", error));
  }

  #checkExpected(what: string, error: unknown): void {
    const expected = [ProjectionBusyError, ProjectionMissingError, UncertainWriteError, WaitTimeoutError];
    if (expected.some((each) => error instanceof each)) return;
    if ((error as Error).name === "ThrottlingException") return;
    this.checks.problems.push(`${what} failed: ${String((error as Error).stack)}`);
  }
}
