import { pause, type Runtime } from "@tuppence/core";

interface Deadline {
  readonly atMs: number;
  readonly onLate: () => void;
}

/** Tells those who take too long, of any number, with one timer for all of them. */
export class Deadlines {
  readonly #runtime: Runtime;
  readonly #open = new Set<Deadline>();
  #watch: { readonly atMs: number; readonly end: AbortController } | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Calls `onLate` after so many milliseconds; not once what it answers was called. */
  set(ms: number, onLate: () => void): () => void {
    const deadline = { atMs: this.#runtime.monotonic() + ms, onLate };
    this.#open.add(deadline);
    if (this.#watch === undefined || deadline.atMs < this.#watch.atMs) this.#watchAgain();
    return () => {
      this.#open.delete(deadline);
      if (this.#open.size === 0) this.#watchNothing();
    };
  }

  /** Unless another one comes in the same turn. */
  #watchNothing(): void {
    queueMicrotask(() => {
      if (this.#open.size === 0) this.#watchAgain();
    });
  }

  /** For the first that there is; for nothing when there is none. */
  #watchAgain(): void {
    // With a reason: the one that is made otherwise has a stack trace.
    this.#watch?.end.abort("ended");
    this.#watch = undefined;
    let atMs = Number.POSITIVE_INFINITY;
    for (const deadline of this.#open) atMs = Math.min(atMs, deadline.atMs);
    if (atMs === Number.POSITIVE_INFINITY) return;
    const watch = { atMs, end: new AbortController() };
    this.#watch = watch;
    void this.#wait(watch.atMs, watch.end.signal);
  }

  async #wait(atMs: number, signal: AbortSignal): Promise<void> {
    if (!(await pause(this.#runtime, atMs - this.#runtime.monotonic(), signal))) return;
    const nowMs = this.#runtime.monotonic();
    for (const deadline of this.#open) {
      if (deadline.atMs > nowMs) continue;
      this.#open.delete(deadline);
      deadline.onLate();
    }
    this.#watchAgain();
  }
}

const OF_RUNTIMES = new WeakMap<Runtime, Deadlines>();

/** The deadlines by somebody's clock. */
export function deadlinesOf(runtime: Runtime): Deadlines {
  const deadlines = OF_RUNTIMES.get(runtime) ?? new Deadlines(runtime);
  OF_RUNTIMES.set(runtime, deadlines);
  return deadlines;
}
