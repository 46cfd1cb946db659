import type { Runtime } from "../src/runtime.ts";

/** A clock that stands still until it is told to go on, and sleepers that wait for it. */
export class ManualTime {
  #now = 1_000;
  #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  readonly runtime: Partial<Runtime> = {
    monotonic: () => this.#now,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { until: this.#now + ms, wake: resolve };
        this.#sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          this.#sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };

  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}
