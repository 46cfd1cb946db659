import { type CapacityMeter, DEFAULT_TABLE_PREFIX, meterCapacity } from "@tuppence/core";
import { createDynamoDBProjectionStorage, type ProjectionStorage } from "@tuppence/projections";
import type { Database } from "./databases.ts";

/** What a projection's storage costs, by what it is for. */
export interface MeteredStorage {
  readonly storage: ProjectionStorage;
  /** Since the last call of it. */
  takeCosts(): StorageCosts;
}

export interface StorageCosts {
  readonly requests: number;
  readonly documentReadUnits: number;
  readonly documentWriteUnits: number;
  /** Moves of positions: by themselves 1 unit, in a transaction 2. */
  readonly checkpointWriteUnits: number;
  /** Leases kept, members, registrations and reports: what goes on by the clock, whatever is done. */
  readonly upkeepWriteUnits: number;
  readonly upkeepReadUnits: number;
}

/** An `Update` of an item below 1 KB in a transaction. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling */
const UNITS_OF_A_MOVE = 2;

/** A projection's storage with documents and everything else on clients of their own, so that meters tell them apart. */
export function openMeteredStorage(documents: Database, control: Database): MeteredStorage {
  const ofDocuments = createDynamoDBProjectionStorage(documents.client, DEFAULT_TABLE_PREFIX);
  const ofControl = createDynamoDBProjectionStorage(control.client, DEFAULT_TABLE_PREFIX);
  const documentMeter = meterCapacity(documents.client);
  const controlMeter = meterCapacity(control.client);
  let moves = 0;
  const storage: ProjectionStorage = {
    ...ofControl,
    documents: ofDocuments.documents,
    control: {
      ...ofControl.control,
      update(update, signal) {
        if (update.set["position"] !== undefined) moves++;
        return ofControl.control.update(update, signal);
      },
    },
  };
  return {
    storage,
    takeCosts() {
      const costs = costsOf({ documentMeter, controlMeter, moves });
      documentMeter.reset();
      controlMeter.reset();
      moves = 0;
      return costs;
    },
  };
}

function costsOf({
  documentMeter,
  controlMeter,
  moves,
}: {
  readonly documentMeter: CapacityMeter;
  readonly controlMeter: CapacityMeter;
  readonly moves: number;
}): StorageCosts {
  const documents = documentMeter.total();
  const control = controlMeter.total();
  const transactions = controlMeter.calls.filter(({ operation }) => operation === "TransactWriteItems");
  const inTransactions = transactions.reduce((units, call) => units + call.writeUnits, 0);
  const movesTogether = transactions.length * UNITS_OF_A_MOVE;
  return {
    requests: documents.requests + control.requests,
    documentReadUnits: documents.readUnits,
    documentWriteUnits: documents.writeUnits + inTransactions - movesTogether,
    checkpointWriteUnits: moves + movesTogether,
    upkeepWriteUnits: control.writeUnits - inTransactions - moves,
    upkeepReadUnits: control.readUnits,
  };
}
