import { randomUUID } from "node:crypto";
import { createMemoryStorage } from "../src/memory/memory-storage.ts";
import type { Item } from "../src/capacity/item-size.ts";
import type { ChainStorage, SlotRange } from "../src/chain/storage.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import { createSequencer } from "../src/dynamodb/create-sequencer.ts";
import type { EventDefinitions } from "../src/events.ts";
import { LOG } from "../src/log/page.ts";
import { createChainSequencer, type Sequencer, type SequenceResult } from "../src/log/sequencer.ts";
import { type ChainEventStoreOptions, createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { connect } from "./test-database.ts";

/** A table with a log of its own, whose stream a test holds in its hands. */
export interface LogPlace {
  readonly storage: ChainStorage;
  readonly sequencer: Sequencer;
  /** What was put into streams and not sequenced yet, in order: the table's stream. */
  readonly records: Item[];
  /** The reads since the last look, as `chain direction from` each. */
  readonly reads: string[];
  open<Definitions extends EventDefinitions = EventDefinitions>(
    options?: Partial<ChainEventStoreOptions<Definitions>>,
  ): EventStore<Definitions>;
  /** Another sequencer, which knows nothing. */
  openSequencer(): Sequencer;
  /** Sequences all records at hand, in one batch, into one page unless they are too many. */
  sequence(): Promise<SequenceResult>;
}

export async function openMemoryPlace(): Promise<LogPlace> {
  return placeOn(createMemoryStorage(), (storage) => createChainSequencer({ storage }));
}

async function openDynamoDBPlace(): Promise<LogPlace> {
  const client = connect("logplaces");
  const tablePrefix = `place-${randomUUID()}`;
  const storage = createDynamoDBChainStorage(client, tablePrefix);
  await storage.ensureTables();
  return placeOn(storage, () => createSequencer({ client, tablePrefix }));
}

export const PLACES = [
  ["memory", openMemoryPlace],
  ["DynamoDB", openDynamoDBPlace],
] as const;

function placeOn(inner: ChainStorage, openSequencer: (storage: ChainStorage) => Sequencer): LogPlace {
  const records: Item[] = [];
  const reads: string[] = [];
  const storage = watched(inner, { records, reads });
  const sequencer = openSequencer(storage);
  return {
    storage,
    sequencer,
    records,
    reads,
    open: (options) => createChainEventStore({ ...options, storage }),
    openSequencer: () => openSequencer(storage),
    sequence: () => sequencer.sequence(records.splice(0)),
  };
}

function watched(
  inner: ChainStorage,
  { records, reads }: { readonly records: Item[]; readonly reads: string[] },
): ChainStorage {
  const record = (item: Item): void => {
    if (item["p"]?.S !== LOG) records.push(item);
  };
  return {
    ...inner,
    async putNew(item, signal) {
      const found = await inner.putNew(item, signal);
      if (found === undefined) record(item);
      return found;
    },
    async transact(transaction, signal) {
      const found = await inner.transact(transaction, signal);
      if (found === undefined) for (const item of transaction.puts) record(item);
      return found;
    },
    query(range: SlotRange) {
      reads.push(`${range.chain} ${range.backward ? `back from ${range.to}` : `from ${range.from}`}`);
      return inner.query(range);
    },
  };
}
