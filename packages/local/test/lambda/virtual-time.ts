import type { Runtime } from "../../src/lambda/runtime.ts";

/** Time that jumps to the next waiter as soon as everything else has come to rest. */
export class VirtualTime implements Runtime {
  #now = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly resolve: () => void }>();

  readonly now = (): number => this.#now;

  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const giveUp = (): void => {
        this.#waiting.delete(waiter);
        resolve();
      };
      const waiter = {
        at: this.#now + ms,
        resolve: () => {
          signal.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", giveUp, { once: true });
      setImmediate(() => this.#next());
    });

  #next(): void {
    let first: { readonly at: number; readonly resolve: () => void } | undefined;
    for (const waiter of this.#waiting) if (first === undefined || waiter.at < first.at) first = waiter;
    if (first === undefined) return;
    this.#waiting.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.resolve();
  }
}
