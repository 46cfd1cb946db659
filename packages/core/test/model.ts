import { CHAIN_GUARDS } from "../src/chain/tiling.ts";
import { createMemoryStorage } from "../src/memory/index.ts";
import type { Runtime } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { faultyStorage, type Sabotage, Turns } from "./faulty-storage.ts";
import { checkHistory, runProcesses, seededRandom } from "./history.ts";

/** Histories of one stream in memory, each replayable from its seed. */

const STREAM = "model|1";
/** Small, so that appends of a few events need a transaction. */
const MAX_ITEM_BYTES = 700;

/** Runs one history; answers what went wrong in it, nothing if nothing did. */
export async function runHistory(seed: number, sabotage: Sabotage = {}): Promise<readonly string[]> {
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
      storage: faultyStorage(memory, { random, turns, sabotage }),
      runtime,
      guards: { ...CHAIN_GUARDS, ...sabotage.guards },
      maxItemBytes: MAX_ITEM_BYTES,
      knownChains: 1,
    });
  const history = await turns.runUntil(runProcesses({ streamId: STREAM, open, runtime, random }));
  const all = {
    chain: STREAM,
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    backward: false,
    consistency: "strong",
  } as const;
  const { items } = await memory.query(all);
  const problems = await checkHistory(
    history,
    items,
    createChainEventStore({ storage: memory }).read(STREAM),
  );
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}
