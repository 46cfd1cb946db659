import type { Runtime } from "@tuppence/core";
import type { ControlItem, ControlKey, ControlUpdate } from "@tuppence/core/leases";
import pLimit from "p-limit";
import { textOf } from "./batched-finds.ts";
import { GatheredRequests } from "./gathered-requests.ts";
import type { ChangeOutcome, ScheduleItems, ScheduleStorage } from "./schedule-storage.ts";
import type { WriteSpeed } from "./write-speed.ts";

/** Items that one request may change. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
export const MAX_UPDATES = 25;
/** Items that one request may ask for. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_FINDS = 100;
/** Transactions at a time: as many connections as the SDK has to begin with, less some. */
const MAX_TRANSACTIONS = 40;

/** A storage on which single changes, and single looks, that are asked for at a time are sent together. */
export function gatherRequests(
  storage: ScheduleStorage,
  { runtime, speed }: { readonly runtime: Runtime; readonly speed: WriteSpeed },
): ScheduleItems {
  const updates = new GatheredRequests<ControlUpdate, ChangeOutcome>(runtime, {
    maxItems: MAX_UPDATES,
    sendOne: (update, signal) => speed.measure(1, () => storage.update(update, signal)),
    sendMany: (many) => speed.measure(many.length, () => storage.updateMany(many)),
    keyOf: ({ key }) => textOf(key),
    bytesOf: bytesOfUpdate,
  });
  const finds = new GatheredRequests<ControlKey, ControlItem | undefined>(runtime, {
    maxItems: MAX_FINDS,
    sendOne: (key, signal) => storage.find(key, signal),
    sendMany: (keys) => storage.findMany(keys),
    keyOf: textOf,
    bytesOf: () => 0,
  });
  const limit = pLimit(MAX_TRANSACTIONS);
  return {
    ...storage,
    update: (update, signal) => updates.add(update, signal),
    find: (key, signal) => finds.add(key, signal),
    transact: (changes, also, signal) =>
      limit(() => speed.measure(1, () => storage.transact(changes, also, signal))),
  };
}

/** Nearly: what counts are payloads. */
function bytesOfUpdate({ set }: ControlUpdate): number {
  let bytes = 0;
  for (const value of Object.values(set)) bytes += typeof value === "string" ? Buffer.byteLength(value) : 8;
  return bytes;
}
