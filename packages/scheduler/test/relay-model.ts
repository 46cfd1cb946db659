import { type ControlUpdate, UncertainWriteError } from "@tuppence/core/leases";
import { createContext, type SchedulerMeans } from "../src/create-context.ts";
import { type RingAheadGuards, ringBells } from "../src/drain/ring-bells.ts";
import { bellPlace } from "../src/entries/keys.ts";
import { SCHEDULER_GUARDS, type SchedulerGuards } from "../src/guards.ts";
import { carryWakeUp } from "../src/relay/carry-wake-up.ts";
import type { ReceivedWakeUp } from "../src/relay/relay.ts";
import { createSchedulerOn, type Scheduler } from "../src/scheduler.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";
import type { FinishWrites, Occurrence, Targets } from "../src/targets/target.ts";
import { type SqsFaults, SqsModel } from "./sqs-model.ts";
import { type Mortal, Timeline } from "./timeline.ts";

/**
 * A random history of schedules that are fired by doorbells and by a relay alone: no worker runs. Clocks differ, processes crash anywhere, TTL
 * is late, and SQS does whatever it may, and loses messages, which it may not.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LEAD_MS = HOUR_MS;
const MAX_SKEW_MS = 2_000;
/** A function of Lambda's is stopped then. */
const INVOCATION_MS = 60_000;

export interface RelayFaults extends SqsFaults {
  /** How late TTL is at most, in milliseconds. */
  readonly maxTtlLateMs: number;
  /** Of the storage's requests: crashes, and replies that are lost. */
  readonly requests: number;
}

export const CALM: RelayFaults = {
  maxLateMs: 500,
  duplicates: 0.1,
  losses: 0,
  failures: 0,
  maxTtlLateMs: 30 * MINUTE_MS,
  requests: 0,
};

export const STORMY: RelayFaults = {
  maxLateMs: 60_000,
  duplicates: 0.2,
  losses: 0.2,
  failures: 0.1,
  maxTtlLateMs: 6 * HOUR_MS,
  requests: 0.03,
};

/** What can be switched off. */
export type RelayGuards = Partial<SchedulerGuards & RingAheadGuards> & {
  /** Whether a function looks at its clock, or believes what it receives. */
  readonly readsClock?: boolean;
};

export interface RelayReport {
  readonly problems: readonly string[];
  /** How late each schedule fired, in milliseconds of true time. */
  readonly lateMs: readonly number[];
  readonly sent: number;
  readonly held: number;
}

export async function runRelay(
  seed: number,
  faults: RelayFaults,
  guards: RelayGuards = {},
): Promise<RelayReport> {
  const world = new RelayWorld(seed, faults, guards);
  for (let index = 0; index < 8; index++) void world.create();
  await world.time.run(world.time.now + 12 * HOUR_MS);
  world.isFaulty = false;
  await world.time.run(world.time.now + 96 * HOUR_MS);
  return world.report();
}

interface Told {
  readonly id: string;
  readonly fireAt: number;
  readonly target: "write" | "call";
  /** What became of its cancellation: "asked" when there was no answer, so that it may be cancelled or not. */
  cancellation: "asked" | "cancelled" | "refused" | undefined;
}

class RelayWorld {
  readonly time: Timeline;
  isFaulty = true;
  readonly #faults: RelayFaults;
  readonly #guards: RelayGuards;
  readonly #storage = createMemoryScheduleStorage();
  readonly #sqs: SqsModel;
  readonly #told: Told[] = [];
  readonly #fired = new Map<string, { readonly at: number; readonly attempt: number }[]>();
  readonly #problems: string[] = [];

  constructor(seed: number, faults: RelayFaults, guards: RelayGuards) {
    this.time = new Timeline(seed);
    this.#faults = faults;
    this.#guards = guards;
    this.#sqs = new SqsModel(this.time, faults, (received) => this.#receive(received));
  }

  /** A process that schedules something at some time, and may cancel it. */
  async create(): Promise<void> {
    const { time } = this;
    await time.wait(time.upTo(2 * HOUR_MS));
    const { scheduler } = this.#open();
    const target = time.random() < 0.5 ? "write" : "call";
    const aheadMs = time.upTo(time.random() < 0.3 ? 2 * MINUTE_MS : 6 * HOUR_MS);
    try {
      const { id, fireAt } = await scheduler.schedule({ in: aheadMs, target });
      const told: Told = { id, fireAt: fireAt.getTime(), target, cancellation: undefined };
      this.#told.push(told);
      if (time.random() > 0.2) return;
      await time.wait(time.upTo(aheadMs));
      told.cancellation = "asked";
      told.cancellation = (await scheduler.cancel(id)) === "cancelled" ? "cancelled" : "refused";
      if (told.cancellation === "cancelled" && this.#fired.has(id)) {
        this.#problems.push("cancelled what had fired");
      }
    } catch {
      // Nobody was told that it is scheduled, or cancelled.
    }
  }

  report(): RelayReport {
    const lateMs: number[] = [];
    for (const { id, fireAt, target, cancellation } of this.#told) {
      const fired = this.#fired.get(id) ?? [];
      if (cancellation === "cancelled") {
        if (fired.length > 0) this.#problems.push("a cancelled one fired");
        continue;
      }
      const [first] = fired;
      if (first === undefined) {
        if (cancellation !== "asked") this.#problems.push("a schedule was lost");
        continue;
      }
      lateMs.push(first.at - fireAt);
      if (target === "write" && fired.length > 1) this.#problems.push("an in-store target fired twice");
      const attempts = new Set(fired.map(({ attempt }) => attempt));
      if (attempts.size < fired.length) this.#problems.push("two made the same attempt");
    }
    return { problems: this.#problems, lateMs, sent: this.#sqs.sent, held: this.#sqs.held };
  }

  /** A new process. */
  #open(): { readonly scheduler: Scheduler; readonly process: Mortal; readonly options: Opened } {
    const { time } = this;
    const process = { isDead: false, skewMs: time.upTo(2 * MAX_SKEW_MS) - MAX_SKEW_MS };
    const options = {
      storage: this.#storageOf(process),
      targets: this.#targetsOf(process),
      runtime: time.runtimeOf(process),
      relay: this.#sqs.relayOf(process, LEAD_MS),
      shards: 2,
    };
    return { scheduler: createSchedulerOn(options, this.#means()), process, options };
  }

  #means(): SchedulerMeans {
    const { readsClock: _, ringsAgain: _again, ...guards } = this.#guards;
    return { guards: { ...SCHEDULER_GUARDS, ...guards } };
  }

  /** A function that receives a message. */
  async #receive(received: ReceivedWakeUp): Promise<"done" | "comes again"> {
    return this.#invoke(async (options) => {
      const { runtime } = options;
      const early = { ...runtime, now: () => Math.max(runtime.now(), received.wakeUp.atMs) };
      const context = createContext(
        this.#guards.readsClock === false ? { ...options, runtime: early } : options,
        this.#means(),
      );
      return carryWakeUp({ ...context, relay: options.relay, concurrency: 4 }, received);
    }, "comes again");
  }

  /** Lambda hands a doorbell's record to a function until that has done with it. */
  async #ring(bell: Parameters<typeof ringBells>[1][number]): Promise<void> {
    for (;;) {
      const ring = async (options: Opened): Promise<"rung"> => {
        const { ringsAgain = true } = this.#guards;
        await ringBells({ ...createContext(options, this.#means()), concurrency: 4 }, [bell], { ringsAgain });
        return "rung";
      };
      if ((await this.#invoke(ring, undefined)) === "rung") return;
      await this.time.wait(1_000 + this.time.upTo(10_000));
    }
  }

  /** Runs a function until its end, its time's or its crash; answers `failed` then. */
  async #invoke<Result, Failed>(
    fn: (options: Opened) => Promise<Result>,
    failed: Failed,
  ): Promise<Result | Failed> {
    const { process, options } = this.#open();
    const over = new AbortController();
    const work = fn(options).catch(() => failed);
    const cut = new Promise<Failed>((resolve) => {
      const stop = (): void => {
        process.isDead = true;
        resolve(failed);
      };
      this.time.at(this.time.now + INVOCATION_MS, undefined, stop, over.signal);
    });
    const outcome = await Promise.race([work, cut]);
    over.abort();
    return outcome;
  }

  #targetsOf(process: Mortal): Targets {
    const fire = (occurrence: Occurrence): void => {
      const { id, fireAt, attempt } = occurrence;
      if (this.time.now + process.skewMs < fireAt.getTime()) this.#problems.push("it fired early");
      this.#fired.set(id, [...(this.#fired.get(id) ?? []), { at: this.time.now, attempt }]);
    };
    const write = async (occurrence: Occurrence, { changes }: FinishWrites): Promise<"fired" | "refused"> => {
      await this.#mayCrash(process);
      const { applied } = await this.#storage.transact(changes, []);
      if (applied) fire(occurrence);
      await this.#mayCrash(process);
      return applied ? "fired" : "refused";
    };
    return {
      call: {
        kind: "call",
        fire: async (occurrence) => {
          fire(occurrence);
          await this.time.wait(this.time.upTo(500), process);
        },
      },
      write: {
        kind: "write",
        isInStore: true,
        fire: (occurrence, { finish }) => write(occurrence, finish),
      },
    };
  }

  #storageOf(process: Mortal): ScheduleStorage {
    const storage = this.#storage;
    const slow = async <Result>(carryOut: () => Promise<Result>): Promise<Result> => {
      await this.#mayCrash(process);
      const result = await carryOut();
      await this.#mayCrash(process);
      return result;
    };
    return {
      ...storage,
      query: (range) => slow(() => storage.query(range)),
      find: (key, signal) => slow(() => storage.find(key, signal)),
      delete: (key, signal) => slow(() => storage.delete(key, signal)),
      transact: (changes, also) => slow(() => storage.transact(changes, also)),
      update: (update) =>
        slow(async () => {
          const outcome = await storage.update(update);
          if (outcome.applied) this.#watch(update);
          return outcome;
        }),
    };
  }

  /** Takes a moment, and may be the end of a process or of a connection. */
  async #mayCrash(process: Mortal): Promise<void> {
    await this.time.wait(this.time.upTo(30), process);
    if (!this.isFaulty) return;
    const fate = this.time.random() / this.#faults.requests;
    if (fate < 0.3) {
      process.isDead = true;
      await new Promise(() => undefined);
    }
    if (fate < 1) {
      throw new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
    }
  }

  /** TTL takes a doorbell away once its time has come, late. */
  #watch({ key, set }: ControlUpdate): void {
    const place = bellPlace(key.partition);
    const ttl = Number(set["ttl"]);
    if (place === undefined || Number.isNaN(ttl)) return;
    const { time } = this;
    const lateMs = time.upTo(this.#faults.maxTtlLateMs);
    time.at(Math.max(time.now, ttl * 1_000) + lateMs, undefined, () => {
      void (async () => {
        const bell = await this.#storage.find(key);
        // It was put again since, for another time.
        if (bell?.["ttl"] !== ttl) return;
        await this.#storage.delete(key);
        await this.#ring({ ...place, provenMs: ttl * 1_000 });
      })();
    });
  }
}

type Opened = Parameters<typeof createContext>[0] & {
  readonly relay: ReturnType<SqsModel["relayOf"]>;
  readonly runtime: ReturnType<Timeline["runtimeOf"]>;
};
