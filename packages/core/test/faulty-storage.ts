import type { Item } from "../src/capacity/item-size.ts";
import { type ChainStorage, type ChainTransaction, UncertainWriteError } from "../src/chain/storage.ts";
import type { ChainGuards } from "../src/chain/tiling.ts";
import { Crash, type Random } from "./history.ts";

/**
 * A storage on which everything goes wrong that can, in an order that follows from a seed: calls go on in any order,
 * processes crash, replies are lost (applied, not applied, applied later), and transactions become visible item by item.
 */

/** What is switched off, to see that the checks notice. */
export interface Sabotage {
  readonly guards?: Partial<ChainGuards> | undefined;
  /** Puts overwrite what is there. */
  readonly unconditional?: boolean | undefined;
  /** Slots that have to be free are not looked at. */
  readonly uncheckedSlots?: boolean | undefined;
  /** The items of a transaction are put one by one, and a crash may come between. */
  readonly splitTransactions?: boolean | undefined;
}

/** Lets one waiting call go on at a time, chosen by chance: the whole history follows from the seed. */
export class Turns {
  readonly #random: Random;
  #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async runUntil<Result>(done: Promise<Result>): Promise<Result> {
    const ended = new AbortController();
    const result = done.finally(() => ended.abort());
    while (!ended.signal.aborted) {
      // Everything that can go on without a turn has gone on once a macrotask has passed.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      const [go] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      go?.();
    }
    return result;
  }
}

/** For each put and check, what was in its way. */
type InTheWay = readonly (Item | undefined)[] | undefined;

export function faultyStorage(
  inner: ChainStorage,
  {
    random,
    turns,
    sabotage,
  }: { readonly random: Random; readonly turns: Turns; readonly sabotage: Sabotage },
): ChainStorage {
  const apply = async (transaction: ChainTransaction): Promise<InTheWay> => {
    const { puts } = transaction;
    const free = sabotage.uncheckedSlots ? [] : transaction.free;
    if (sabotage.unconditional) return overwrite(inner, puts);
    if (!sabotage.splitTransactions) return inner.transact({ puts, free }, undefined);
    for (const item of puts) {
      const inTheWay = await inner.putNew(item, undefined);
      if (inTheWay !== undefined) return [inTheWay];
      if (puts.length > 1 && random() < 0.2) throw new Crash();
    }
    return undefined;
  };
  /** Items of transactions that no reader sees yet. */
  const hidden = new Set<string>();
  const keyOf = (item: Item): string => `${item["p"]?.S}/${item["s"]?.N}`;
  const hideSome = (items: readonly Item[]): Promise<unknown> => {
    const some = items.slice(random() < 0.5 ? 1 : 0, random() < 0.5 ? -1 : undefined).map(keyOf);
    for (const key of some) hidden.add(key);
    return Promise.all(some.map((key) => turns.next().then(() => hidden.delete(key))));
  };
  const uncertain = (mayBeWritten: boolean): UncertainWriteError =>
    new UncertainWriteError({ mayBeWritten, cause: new Error("the reply was lost") });
  const transact = async (transaction: ChainTransaction): Promise<InTheWay> => {
    await turns.next();
    const { puts, free } = transaction;
    const fate = random();
    if (fate < 0.05) throw new Crash();
    if (fate < 0.12) throw uncertain(true);
    if (fate < 0.16) {
      // It is on its way still, and arrives when nobody expects it any more.
      void turns
        .next()
        .then(() => turns.next())
        .then(() => apply(transaction))
        .catch(() => undefined);
      throw uncertain(true);
    }
    if (puts.length + free.length > 1 && random() < 0.05) throw uncertain(false);
    const inTheWay = await apply(transaction);
    const visible = inTheWay === undefined && puts.length > 1 ? hideSome(puts) : undefined;
    if (fate < 0.26) throw uncertain(true);
    if (fate < 0.3) throw new Crash();
    // What is acknowledged, every strongly consistent read sees.
    await visible;
    await turns.next();
    return inTheWay;
  };
  return {
    putNew: async (item) => (await transact({ puts: [item], free: [] }))?.[0],
    transact,
    async query(range) {
      await turns.next();
      if (random() < 0.02) throw new Crash();
      // Pages end early, and an eventually consistent one may be behind.
      const to =
        range.consistency === "strong" ? range.to : Math.min(range.to, 1 + Math.floor(random() * 30));
      const { items, more } = await inner.query({ ...range, to, limit: Math.min(range.limit ?? 4, 4) });
      const visible = items.filter((item) => !hidden.has(keyOf(item)));
      await turns.next();
      return visible.length === 0 && more ? inner.query(range) : { items: visible, more };
    },
    async putSnapshot(item) {
      await turns.next();
      const fate = random();
      if (fate < 0.1) throw new Crash();
      if (fate < 0.2) throw new Error("the snapshot was refused");
      await inner.putSnapshot(item, undefined);
      if (fate < 0.3) throw new Crash();
    },
    async strip(slot, attributes) {
      await turns.next();
      const fate = random();
      if (fate < 0.1) throw new Crash();
      await inner.strip(slot, attributes, undefined);
      if (fate < 0.2) throw new Crash();
    },
    async find(slots) {
      await turns.next();
      const fate = random();
      if (fate < 0.02) throw new Crash();
      if (fate < 0.1) throw uncertain(false);
      // No transaction is half seen here.
      const found = await inner.find(slots, undefined);
      await turns.next();
      return found;
    },
    listNames: (category, page) => inner.listNames(category, page),
    ensureTables: () => inner.ensureTables(),
  };
}

/** All attributes but the keys and times. */
const CONTENT = ["e", "f", "x", "n", "i", "o", "m", "g", "w", "k"];

async function overwrite(storage: ChainStorage, items: readonly Item[]): Promise<undefined> {
  for (const item of items) {
    const inTheWay = await storage.putNew(item, undefined);
    // The memory's items are its own to keep; taking the place of one is what the condition forbids.
    if (inTheWay !== undefined)
      Object.assign(inTheWay, Object.fromEntries(CONTENT.map((name) => [name, item[name]])));
  }
}
