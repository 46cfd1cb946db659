import { expect, it } from "vitest";
import type { ChainStorage } from "../src/chain/storage.ts";
import { collect, counted } from "../src/contract/fixtures.ts";
import { createCommitId } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";

const STREAM = "race|1";

/** A storage whose first two puts lose to a rival, and a pause in which the rival writes 20 commits more. */
function contested() {
  const storage = createMemoryStorage();
  const rival = createMemoryEventStore({ storage });
  let puts = 0;
  const loser: ChainStorage = {
    ...storage,
    async putNew(items, signal) {
      if (puts < 2) await rival.append(STREAM, [{ type: "Rival", data: puts }]);
      puts += 1;
      return storage.putNew(items, signal);
    },
  };
  const sleep = async (): Promise<void> => {
    for (let number = 0; number < 20; number++) await rival.append(STREAM, [{ type: "Rival", data: number }]);
  };
  return { store: createMemoryEventStore({ storage: loser, runtime: { sleep } }), puts: () => puts };
}

it.each([
  ["a new id", undefined],
  ["an id of the caller's own", createCommitId()],
])(
  "an append to any with %s reads once after a pause instead of trying slot by slot",
  async (_, commitId) => {
    const { store, puts } = contested();
    const { version } = await store.append(STREAM, counted(1), { commitId });
    expect(version).toBe(23);
    expect(puts()).toBe(3);
    expect(await collect(store.read(STREAM))).toHaveLength(23);
  },
);
