import type { Item } from "../src/capacity/item-size.ts";
import { type ChainStorage, UncertainWriteError } from "../src/chain/storage.ts";
import { CHAIN_GUARDS, type ChainGuards } from "../src/chain/tiling.ts";
import { createMemoryStorage } from "../src/memory/index.ts";
import type { Runtime } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { checkHistory, Crash, type Random, runProcesses, seededRandom, type Subject } from "./history.ts";

/**
 * Histories in memory, each replayable from its seed: calls go on in any order, processes crash, replies are lost
 * (applied, not applied, applied later), and transactions become visible item by item.
 */

/** What is switched off, to see that the checks notice. */
export interface Sabotage {
  readonly guards?: Partial<ChainGuards> | undefined;
  /** Puts overwrite what is there. */
  readonly unconditional?: boolean | undefined;
  /** The items of a transaction are put one by one, and a crash may come between. */
  readonly splitTransactions?: boolean | undefined;
}

/** Lets one waiting call go on at a time, chosen by chance: the whole history follows from the seed. */
class Turns {
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

const STREAM = "model|1";
/** Small, so that appends of a few events need a transaction. */
const MAX_ITEM_BYTES = 700;

function faultyStorage(inner: ChainStorage, random: Random, turns: Turns, sabotage: Sabotage): ChainStorage {
  const put = async (items: readonly Item[]): Promise<readonly (Item | undefined)[] | undefined> => {
    if (sabotage.unconditional) return overwrite(inner, items);
    if (!sabotage.splitTransactions) return inner.transact({ puts: items, free: [] }, undefined);
    for (const item of items) {
      const inTheWay = await inner.putNew(item, undefined);
      if (inTheWay !== undefined) return [inTheWay];
      if (items.length > 1 && random() < 0.2) throw new Crash();
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
  const uncertain = (): UncertainWriteError =>
    new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
  const transact = async (items: readonly Item[]): Promise<readonly (Item | undefined)[] | undefined> => {
    await turns.next();
    const fate = random();
    if (fate < 0.05) throw new Crash();
    if (fate < 0.12) throw uncertain();
    if (fate < 0.16) {
      // It is on its way still, and arrives when nobody expects it any more.
      void turns
        .next()
        .then(() => turns.next())
        .then(() => put(items))
        .catch(() => undefined);
      throw uncertain();
    }
    const inTheWay = await put(items);
    const visible = inTheWay === undefined && items.length > 1 ? hideSome(items) : undefined;
    if (fate < 0.26) throw uncertain();
    if (fate < 0.3) throw new Crash();
    // What is acknowledged, every strongly consistent read sees.
    await visible;
    await turns.next();
    return inTheWay;
  };
  return {
    putNew: async (item) => (await transact([item]))?.[0],
    transact: ({ puts }) => transact(puts),
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
    listNames: (category, page) => inner.listNames(category, page),
    ensureTables: () => inner.ensureTables(),
  };
}

async function overwrite(storage: ChainStorage, items: readonly Item[]): Promise<undefined> {
  for (const item of items) {
    const inTheWay = await storage.putNew(item, undefined);
    // The memory's items are its own to keep; taking the place of one is what the condition forbids.
    if (inTheWay !== undefined)
      Object.assign(inTheWay, {
        e: item["e"],
        n: item["n"],
        i: item["i"],
        o: item["o"],
        m: item["m"],
        g: item["g"],
      });
  }
}

/** A stream on a faulty storage, and everything that a history needs beside it. */
export interface World extends Subject {
  /** Runs what it is given, one waiting call after the other. */
  readonly run: <Result>(done: Promise<Result>) => Promise<Result>;
  /** What is stored, once all is quiet. */
  readonly items: () => Promise<readonly Item[]>;
  readonly calmStore: EventStore;
}

/** A world whose history follows from the seed. */
export function createWorld(seed: number, sabotage: Sabotage = {}): World {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const memory = createMemoryStorage();
  let now = 1_000;
  const runtime: Runtime = {
    now: () => (now += Math.floor(random() * 5) - 1),
    random,
    sleep: () => turns.next(),
  };
  const open = (): EventStore =>
    createChainEventStore({
      storage: faultyStorage(memory, random, turns, sabotage),
      runtime,
      guards: { ...CHAIN_GUARDS, ...sabotage.guards },
      maxItemBytes: MAX_ITEM_BYTES,
      knownChains: 1,
    });
  const all = {
    chain: STREAM,
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    backward: false,
    consistency: "strong",
  } as const;
  return {
    streamId: STREAM,
    open,
    runtime,
    random,
    run: (done) => turns.runUntil(done),
    items: async () => (await memory.query(all)).items,
    calmStore: createChainEventStore({ storage: memory }),
  };
}

/** Runs one history; answers what went wrong in it, nothing if nothing did. */
export async function runHistory(seed: number, sabotage: Sabotage = {}): Promise<readonly string[]> {
  const world = createWorld(seed, sabotage);
  const history = await world.run(runProcesses(world));
  const problems = await checkHistory(history, await world.items(), world.calmStore.read(STREAM));
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}
