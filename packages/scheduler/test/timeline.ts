import type { Runtime } from "@tuppence/core";
import { seededRandom } from "@tuppence/test-support/seeded-random";

export type Random = () => number;

/** Somebody to whom things happen until he is dead; what he waits for then never comes. */
export interface Mortal {
  isDead: boolean;
  /** What his clock is ahead of time, in milliseconds. */
  readonly skewMs: number;
}

interface Happening {
  readonly at: number;
  readonly whose: Mortal | undefined;
  readonly go: () => void;
}

/** Time that jumps from one happening to the next: nothing waits, and all follows from a seed. */
export class Timeline {
  now = 1_800_000_000_000;
  readonly random: Random;
  readonly #happenings = new Set<Happening>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** From 0 up to, not including, `below`, whole. */
  upTo(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** It does not happen to who is dead, nor once the signal is aborted. */
  at(at: number, whose: Mortal | undefined, go: () => void, signal?: AbortSignal): void {
    const happening = { at, whose, go };
    this.#happenings.add(happening);
    signal?.addEventListener("abort", () => this.#happenings.delete(happening), { once: true });
  }

  wait(ms: number, whose?: Mortal): Promise<void> {
    return new Promise((resolve) => this.at(this.now + ms, whose, resolve));
  }

  runtimeOf(whose: Mortal): Runtime {
    return {
      now: () => this.now + whose.skewMs,
      monotonic: () => this.now,
      random: this.random,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const giveUp = (): void => {
            if (!whose.isDead) reject(signal?.reason as Error);
          };
          if (signal?.aborted) return giveUp();
          signal?.addEventListener("abort", giveUp, { once: true });
          this.at(
            this.now + ms,
            whose,
            () => {
              signal?.removeEventListener("abort", giveUp);
              resolve();
            },
            signal,
          );
        }),
    };
  }

  /** Lets all happen, or all until then; answers whether nothing is left. */
  async run(until: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (;;) {
      // Everything that can go on without time has gone on once a macrotask has passed.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      let next: Happening | undefined;
      for (const each of this.#happenings) if (next === undefined || each.at < next.at) next = each;
      if (next === undefined) return true;
      if (next.at > until) return false;
      this.#happenings.delete(next);
      this.now = Math.max(this.now, next.at);
      if (next.whose?.isDead !== true) next.go();
    }
  }
}
