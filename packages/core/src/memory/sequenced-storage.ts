import type { Item } from "../capacity/item-size.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { LOG } from "../log/page.ts";
import { createChainSequencer } from "../log/sequencer.ts";

const sequenced = new WeakMap<ChainStorage, ChainStorage>();

/** A storage whose global log has all that was written through it, each time it is read: no stream, no worker. */
export function sequencedStorage(storage: ChainStorage): ChainStorage {
  const made = sequenced.get(storage) ?? withLog(storage);
  sequenced.set(storage, made);
  return made;
}

function withLog(storage: ChainStorage): ChainStorage {
  const sequencer = createChainSequencer({ storage });
  let waiting: Item[] = [];
  return {
    ...storage,
    async putNew(item, signal) {
      const found = await storage.putNew(item, signal);
      if (found === undefined) waiting.push(item);
      return found;
    },
    async transact(transaction, signal) {
      const found = await storage.transact(transaction, signal);
      if (found === undefined) waiting.push(...transaction.puts);
      return found;
    },
    async query(range) {
      if (range.chain === LOG) {
        const items = waiting;
        waiting = [];
        // With nothing at hand, it waits for what another reader has taken.
        await sequencer.sequence(items);
      }
      return storage.query(range);
    },
  };
}
