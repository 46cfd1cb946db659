import type { Item } from "../src/capacity/item-size.ts";
import { CHAIN_GUARDS } from "../src/chain/tiling.ts";
import { createMemoryStorage } from "../src/memory/index.ts";
import type { Runtime } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { faultyStorage, type Sabotage, Turns } from "./faulty-storage.ts";
import { checkHistory, runProcesses, seededRandom, type Subject } from "./history.ts";

/** Histories of one stream in memory, each replayable from its seed. */

const STREAM = "model|1";
/** Small, so that appends of a few events need a transaction. */
const MAX_ITEM_BYTES = 700;

/** A stream on a faulty storage, and everything that a history needs beside it. */
export interface World extends Subject {
  /** Runs what it is given, one waiting call after the other. */
  readonly run: <Result>(done: Promise<Result>) => Promise<Result>;
  /** What is stored, once all is quiet. */
  readonly items: () => Promise<readonly Item[]>;
  readonly calmStore: EventStore;
}

/** What a process may do at once, and remember. */
export interface Limits {
  readonly maxItemBytes: number;
  /** Of how many chains a store remembers the ends. */
  readonly knownChains: number;
}

/** A world whose history follows from the seed. */
export function createWorld(
  seed: number,
  sabotage: Sabotage = {},
  limits: Limits = { maxItemBytes: MAX_ITEM_BYTES, knownChains: 1 },
): World {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const memory = createMemoryStorage();
  let now = 1_000;
  const runtime: Runtime = {
    now: () => (now += Math.floor(random() * 5) - 1),
    monotonic: () => now,
    random,
    sleep: () => turns.next(),
  };
  const open = (): EventStore =>
    createChainEventStore({
      storage: faultyStorage(memory, { random, turns, sabotage }),
      runtime,
      guards: { ...CHAIN_GUARDS, ...sabotage.guards },
      ...limits,
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
