import type { Runtime } from "@tuppence/core";

/** What is believed before it was measured, in milliseconds: the first writes of a process open its connections. */
const FIRST_WRITE_MS = 3;
/** Fewer writes at a time say nothing of how many there could be. */
const MIN_WRITES = 8;
/** How much one write counts in the average, and all of one request at most. */
const WEIGHT = 0.05;
const MAX_WEIGHT = 0.5;

/** How fast writes are while there are many. */
export class WriteSpeed {
  readonly #runtime: Runtime;
  #underWay = 0;
  #writeMs = FIRST_WRITE_MS;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** From the end of one write to that of the next, in milliseconds. */
  get writeMs(): number {
    return this.#writeMs;
  }

  /** Measures a request with so many writes; one that fails says nothing. */
  async measure<Result>(writes: number, send: () => Promise<Result>): Promise<Result> {
    const since = this.#runtime.monotonic();
    this.#underWay += writes;
    let underWay = 0;
    let result: Result;
    try {
      result = await send();
    } finally {
      underWay = this.#underWay;
      this.#underWay -= writes;
    }
    if (underWay < MIN_WRITES) return result;
    const weight = Math.min(MAX_WEIGHT, writes * WEIGHT);
    this.#writeMs += weight * ((this.#runtime.monotonic() - since) / underWay - this.#writeMs);
    return result;
  }
}
