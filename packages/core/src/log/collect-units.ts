import type { Bill } from "../capacity/units.ts";
import { type ChainContext, readContext } from "../chain/chain.ts";
import { itemHolding } from "../chain/read-chain.ts";
import { type ChainItem, partsOf } from "../chain/tiling.ts";
import { LoggedVersions } from "./logged-versions.ts";
import type { LogUnit } from "./page.ts";

/** What units are collected from. */
export interface Collection {
  /** Commits that may have to go into the log, as they arrived. */
  readonly arrived: readonly ChainItem[];
  /** What the log has: complete for commits of `horizon` (epoch milliseconds) and later. */
  readonly known: LoggedVersions;
  readonly horizon: number;
  /** Whether the commit before each is looked for. Off only in tests that show what it is for. */
  readonly takesPredecessors: boolean;
  readonly bill: Bill;
}

/**
 * What has to go into the log, in the order it has to have there: what arrived and is not in it, each behind the commit
 * before it in its stream, and together with the rest of its append or transaction. What did not arrive is read from the
 * table: nothing when records come whole and in order.
 */
export async function collectUnits(context: ChainContext, collection: Collection): Promise<LogUnit[]> {
  const collector = new Collector(context, collection);
  for (const item of collection.arrived) await collector.take(item);
  return collector.units;
}

class Collector {
  readonly units: LogUnit[] = [];
  readonly #context: ChainContext;
  readonly #collection: Collection;
  readonly #taken = new LoggedVersions();
  /** What arrived, by stream and each of the ends of its versions. */
  readonly #byFirst = new Map<string, ChainItem>();
  readonly #byLast = new Map<string, ChainItem>();

  constructor(context: ChainContext, collection: Collection) {
    this.#context = context;
    this.#collection = collection;
    for (const item of collection.arrived) {
      this.#byFirst.set(keyOf(streamOf(item), item.first), item);
      this.#byLast.set(keyOf(streamOf(item), item.last), item);
    }
  }

  async take(item: ChainItem): Promise<void> {
    // The rest of its append or transaction is where it is: nothing has to be read.
    if (this.#isIn(streamOf(item), item)) return;
    /** Each waits for those above it. */
    const waiting: LogUnit[] = [await this.#unitOf(item)];
    for (let unit = waiting.at(-1); unit !== undefined; unit = waiting.at(-1)) {
      const missing = unit.filter((each) => !this.#isIn(streamOf(each), each));
      const before = missing.length === 0 ? undefined : await this.#predecessorOf(missing);
      if (before !== undefined) {
        waiting.push(await this.#unitOf(before));
        continue;
      }
      waiting.pop();
      for (const each of missing) this.#taken.add(streamOf(each), each, 0);
      // What was truncated has nothing left to tell.
      const told = missing.filter((each) => each.truncatedBefore === undefined);
      if (told.length > 0) this.units.push(told);
    }
  }

  #isIn(streamId: string, versions: { readonly first: number; readonly last: number }): boolean {
    return this.#collection.known.has(streamId, versions) || this.#taken.has(streamId, versions);
  }

  /** The commit before one of a unit that has to be in the log and is not. */
  async #predecessorOf(unit: LogUnit): Promise<ChainItem | undefined> {
    const { horizon, takesPredecessors } = this.#collection;
    if (!takesPredecessors) return undefined;
    for (const item of unit) {
      const before = item.first - 1;
      const t = Number(item.item["u"]?.N ?? Number.NEGATIVE_INFINITY);
      // An older one was in the log when a commit of the time of those that arrived was written, or is for an audit to find.
      if (before === 0 || item.first !== item.commitFirst || t < horizon) continue;
      const streamId = streamOf(item);
      if (this.#isIn(streamId, { first: before, last: before })) continue;
      const arrived = this.#byLast.get(keyOf(streamId, before));
      return arrived ?? itemHolding(this.#reading(streamId), before, undefined);
    }
    return undefined;
  }

  /** All items of the append or transaction that an item belongs to. */
  async #unitOf(item: ChainItem): Promise<LogUnit> {
    const parts = partsOf(item);
    if (parts.length === 0) {
      const versions = { first: item.commitFirst, last: item.commitLast };
      return item.first === versions.first && item.last === versions.last
        ? [item]
        : this.#itemsOf(streamOf(item), versions);
    }
    const items: ChainItem[] = [];
    for (const { chain, first, count } of parts) {
      if (count > 0) items.push(...(await this.#itemsOf(chain, { first, last: first + count - 1 })));
    }
    return items;
  }

  async #itemsOf(
    streamId: string,
    { first, last }: { readonly first: number; readonly last: number },
  ): Promise<ChainItem[]> {
    const items: ChainItem[] = [];
    for (let next = first; next <= last; next = (items.at(-1) as ChainItem).last + 1) {
      const arrived = this.#byFirst.get(keyOf(streamId, next));
      // It was written with what arrived, so it is there; a read may have to wait a moment for it.
      items.push(arrived ?? (await itemHolding(this.#reading(streamId), next, undefined)));
    }
    return items;
  }

  #reading(streamId: string): ReturnType<typeof readContext> {
    return readContext(this.#context, { chain: streamId, bill: this.#collection.bill });
  }
}

export function streamOf({ item }: ChainItem): string {
  return String(item["p"]?.S);
}

function keyOf(streamId: string, version: number): string {
  return `${version} ${streamId}`;
}
