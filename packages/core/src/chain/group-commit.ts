import { AsyncResource } from "node:async_hooks";

/** What waits for a write. */
export interface GroupEntry {
  readonly bytes: number;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting<Entry, Result> {
  readonly entry: Entry;
  /** The asynchronous context (the trace, say) of what waits behind another write, to be written in. */
  readonly context?: AsyncResource | undefined;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Group commit: while one write to a chain is under way, what comes in for the same chain waits, and then goes
 * into the next write together, in the order in which it came. Nothing waits when nothing is under way.
 */
export class GroupCommit<Entry extends GroupEntry, Result> {
  readonly #write: (chain: string, entries: readonly Entry[]) => Promise<readonly Result[]>;
  /** What waits, for each chain that has a write under way. */
  readonly #waiting = new Map<string, Waiting<Entry, Result>[]>();

  readonly #maxGroupBytes: number;
  readonly #gather: (() => Promise<void>) | undefined;

  /**
   * `write` answers one result for each entry, in their order; when it fails, all its entries fail. A group holds
   * at most `maxGroupBytes`; a larger entry goes alone. `gather` is waited for before each group is taken, so that more
   * can come in; default: nothing is.
   */
  constructor(
    write: (chain: string, entries: readonly Entry[]) => Promise<readonly Result[]>,
    maxGroupBytes: number,
    gather?: () => Promise<void>,
  ) {
    this.#write = write;
    this.#maxGroupBytes = maxGroupBytes;
    this.#gather = gather;
  }

  /** Aborting takes an entry back as long as it waits; once it is being written, it stays. */
  add(chain: string, entry: Entry): Promise<Result> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(chain);
      if (queue !== undefined) {
        queue.push({ entry, context: new AsyncResource("GroupCommit"), resolve, reject });
        return;
      }
      this.#waiting.set(chain, [{ entry, resolve, reject }]);
      void this.#drain(chain);
    });
  }

  /** Writes group after group until nothing waits; failures go to those who wait for them. */
  async #drain(chain: string): Promise<void> {
    for (;;) {
      if (this.#gather !== undefined) await this.#gather();
      const group = this.#nextGroup(chain);
      if (group.length === 0) break;
      try {
        const entries = group.map((waiting) => waiting.entry);
        const write = (): Promise<readonly Result[]> => this.#write(chain, entries);
        const context = group[0]?.context;
        const results = await (context === undefined ? write() : context.runInAsyncScope(write));
        for (const [index, waiting] of group.entries()) waiting.resolve(results[index] as Result);
      } catch (error) {
        for (const waiting of group) waiting.reject(error);
      }
    }
    this.#waiting.delete(chain);
  }

  #nextGroup(chain: string): Waiting<Entry, Result>[] {
    const queue = this.#waiting.get(chain) ?? [];
    const group: Waiting<Entry, Result>[] = [];
    let bytes = 0;
    while (
      queue[0] !== undefined &&
      (group.length === 0 || bytes + queue[0].entry.bytes <= this.#maxGroupBytes)
    ) {
      const waiting = queue.shift() as Waiting<Entry, Result>;
      const { signal } = waiting.entry;
      if (signal?.aborted) {
        waiting.reject(signal.reason);
      } else {
        group.push(waiting);
        bytes += waiting.entry.bytes;
      }
    }
    return group;
  }
}
