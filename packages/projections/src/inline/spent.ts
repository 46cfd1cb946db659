import type { Capacity } from "@tuppence/core";

/** Adds up what the calls of one operation consume. */
export class Spent {
  #requests = 0;
  #readUnits = 0;
  #writeUnits = 0;

  add({ requests, readUnits, writeUnits }: Capacity): void {
    this.#requests += requests;
    this.#readUnits += readUnits;
    this.#writeUnits += writeUnits;
  }

  total(): Capacity {
    return { requests: this.#requests, readUnits: this.#readUnits, writeUnits: this.#writeUnits };
  }
}
