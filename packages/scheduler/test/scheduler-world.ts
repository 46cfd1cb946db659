import type { ControlChange } from "@tuppence/core/leases";
import { type CarriedOut, Process, type Weather, World } from "@tuppence/test-support/world";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";

/** When histories begin, in epoch milliseconds. */
export const BEGINNING = Date.UTC(2026, 2, 1);

/** How far clocks are from true time at most, in milliseconds. */
const MAX_SKEW_MS = 240_000;

/** From which part to which of that. */
const SKEWS = { slow: [-1, -0.8], any: [-1, 1], fast: [0.8, 1] } as const;

/** How a process's clock is. */
type Skew = keyof typeof SKEWS;

/** Writes arrive minutes late. */
const STORMY: Weather = {
  upTo: {
    diesBefore: 0.02,
    lost: 0.05,
    late: 0.12,
    replyLost: 0.18,
    diesAfter: 0.22,
    refused: 0.24,
    slow: 0.32,
  },
  lateMs: (random) => random() ** 3 * 120_000,
  slowMs: (random) => random() ** 2 * 60_000,
};

/** A process whose clock is some minutes off, with the storage of schedules as it has it. */
export class SchedulerProcess extends Process {
  readonly storage: ScheduleStorage;

  constructor(world: SchedulerWorld, skew: Skew = "any") {
    const [from, to] = SKEWS[skew];
    const wallOffsetMs = Math.round((from + world.random() * (to - from)) * MAX_SKEW_MS);
    super(world, "", { rate: 1, offsetMs: 0, wallOffsetMs });
    this.storage = createMemoryScheduleStorage(world.storageOf(this));
  }
}

export class SchedulerWorld extends World {
  /** Of how many changes that make what follows something else whoever made them dies. */
  deaths = 0;
  /** How much longer a change to a state is under way at most, in milliseconds. */
  delays: Readonly<Record<string, number>> = {};
  /** Is told when such a change begins. */
  onDelay: () => void = () => undefined;
  /** Is told of each change, at its moment. */
  onChange: (done: CarriedOut) => void = () => undefined;

  constructor(random: () => number) {
    super(random, { time: BEGINNING, weather: STORMY });
    this.onWrite = (done) => {
      for (const each of done) this.#written(each);
    };
    this.delayOf = (changes) => this.#delayed(changes);
  }

  #written(done: CarriedOut): void {
    this.onChange(done);
    const isFollower = done.before === undefined && done.after?.["v"] !== undefined;
    if (isFollower && this.isFaulty && this.random() < this.deaths) done.process.isDead = true;
  }

  #delayed(changes: readonly ControlChange[]): number {
    const states = changes.map((change) => ("set" in change ? String(change.set["st"]) : ""));
    const delayMs = Math.max(0, ...states.map((state) => this.delays[state] ?? 0));
    if (delayMs > 0) this.onDelay();
    return delayMs;
  }
}
