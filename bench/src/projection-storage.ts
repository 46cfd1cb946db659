import { type Capacity, DEFAULT_TABLE_PREFIX, meterCapacity } from "@tuppence/core";
import { createDynamoDBProjectionStorage, type ProjectionStorage } from "@tuppence/projections";
import type { Database } from "./databases.ts";

/** What a projection's storage costs, by what it is for. */
export interface MeteredStorage extends Disposable {
  readonly storage: ProjectionStorage;
  /** Since the last call of it. */
  readonly takeCosts: () => StorageCosts;
}

interface StorageCosts {
  readonly requests: number;
  readonly documentWriteUnits: number;
  /** Moves of positions: by themselves 1 unit, in a transaction 2. */
  readonly checkpointWriteUnits: number;
  /** Leases kept, members, registrations and reports: what goes on by the clock, whatever is done. */
  readonly upkeepWriteUnits: number;
}

/** An `Update` of an item below 1 KB in a transaction. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling */
const UNITS_OF_A_MOVE = 2;

/** A projection's storage with a client for each kind of work, so that meters tell them apart. */
export function openMeteredStorage(database: Database): MeteredStorage {
  const documents = openPart(database);
  const control = openPart(database);
  const together = openPart(database);
  let moves = 0;
  const storage: ProjectionStorage = {
    ...control.storage,
    documents: documents.storage.documents,
    transact: (transaction, signal) => together.storage.transact(transaction, signal),
    control: {
      ...control.storage.control,
      update(update, signal) {
        if (update.set["position"] !== undefined) moves++;
        return control.storage.control.update(update, signal);
      },
    },
  };
  return {
    storage,
    takeCosts() {
      const ofDocuments = documents.take();
      const ofControl = control.take();
      const ofBoth = together.take();
      const movesTogether = ofBoth.requests * UNITS_OF_A_MOVE;
      const costs: StorageCosts = {
        requests: ofDocuments.requests + ofControl.requests + ofBoth.requests,
        documentWriteUnits: ofDocuments.writeUnits + ofBoth.writeUnits - movesTogether,
        checkpointWriteUnits: moves + movesTogether,
        upkeepWriteUnits: ofControl.writeUnits - moves,
      };
      moves = 0;
      return costs;
    },
    [Symbol.dispose]() {
      for (const part of [documents, control, together]) part[Symbol.dispose]();
    },
  };
}

function openPart(database: Database): Disposable & {
  readonly storage: ProjectionStorage;
  readonly take: () => Capacity;
} {
  const { client } = database.reopen({});
  const meter = meterCapacity(client);
  return {
    storage: createDynamoDBProjectionStorage(client, DEFAULT_TABLE_PREFIX),
    take() {
      const total = meter.total();
      meter.reset();
      return total;
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}
