import type { Runtime } from "@tuppence/core";

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that jumps to the next sleeper once everything else has come to rest: nothing waits, all follows from a seed. */
export class VirtualTime {
  /** Epoch ms. */
  now = 1_800_000_000_000;
  readonly #random: () => number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A process's view of it. Once `dead` is aborted, the process never wakes up again. */
  runtime(dead?: AbortSignal): Runtime {
    return {
      now: () => this.now,
      monotonic: () => this.now,
      random: this.#random,
      sleep: (ms, signal) => this.#sleep(ms, signal, dead),
    };
  }

  /** Lets time pass until the work is done, or up to a limit. */
  async run(work: Promise<unknown>, maxMs: number): Promise<void> {
    const end = this.now + maxMs;
    const ended = new AbortController();
    void work.then(
      () => ended.abort(),
      () => ended.abort(),
    );
    for (;;) {
      // Everything that can go on without time has gone on once a macrotask has passed.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (ended.signal.aborted) return work.then(() => undefined);
      let next: Sleeper | undefined;
      for (const sleeper of this.#sleepers) {
        if (next === undefined || sleeper.until < next.until) next = sleeper;
      }
      if (next === undefined) throw new Error("All wait, and nothing will wake them.");
      if (next.until > end) throw new Error(`Not done after ${maxMs} ms.`);
      this.now = Math.max(this.now, next.until);
      this.#sleepers.delete(next);
      next.wake();
    }
  }

  #sleep(ms: number, signal?: AbortSignal, dead?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (dead?.aborted) return;
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        until: this.now + ms,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          if (!dead?.aborted) resolve();
        },
      };
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        if (!dead?.aborted) reject(signal?.reason);
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
