import { LRUCache } from "lru-cache";
import type { ChainEnd } from "./tiling.ts";

/** Chains remembered, by default. An entry takes about 200 bytes. */
const DEFAULT_KNOWN_CHAINS = 10_000;

/** Ends remembered for each chain: a caller's version may be a few appends old. */
const ENDS_PER_CHAIN = 8;

/**
 * Remembers where commits were seen to end, so that a version which came out of a load or an append needs no
 * read to be trusted again. Commits never change, so what it holds stays true; forgetting costs one read.
 */
export class KnownEnds {
  readonly #ends: LRUCache<string, ChainEnd[]>;

  constructor(maxChains: number = DEFAULT_KNOWN_CHAINS) {
    // By size and not by number, for which it would take all its room at once: some 200 KB and 2 ms for each store.
    this.#ends = new LRUCache({ maxSize: maxChains, sizeCalculation: () => 1 });
  }

  /** The highest end known; there may be higher ones. */
  latest(chain: string): ChainEnd | undefined {
    return this.#ends.get(chain)?.at(-1);
  }

  /** The end at exactly `version`, if it is known that a commit ends there. */
  find(chain: string, version: number): ChainEnd | undefined {
    return this.#ends.get(chain)?.find((end) => end.version === version);
  }

  add(chain: string, end: ChainEnd): void {
    if (end.version === 0) return;
    const ends = this.#ends.get(chain);
    if (ends === undefined) {
      this.#ends.set(chain, [end]);
      return;
    }
    let at = ends.length;
    while (at > 0 && (ends[at - 1]?.version ?? 0) > end.version) at--;
    if (ends[at - 1]?.version === end.version) {
      // Closing a stream may leave its version as it is.
      if (end.closed) ends[at - 1] = end;
      return;
    }
    ends.splice(at, 0, end);
    if (ends.length > ENDS_PER_CHAIN) ends.shift();
  }
}
