import type { LimitFunction } from "p-limit";
import type { ScheduleStorage } from "../storage/schedule-storage.ts";

/** A storage with so many writes at a time, in the order in which they were asked for: the rest waits here, not in a queue of connections. */
export function limitWrites(storage: ScheduleStorage, limit: LimitFunction): ScheduleStorage {
  return {
    ...storage,
    update: (update, signal) => limit(() => storage.update(update, signal)),
    transact: (changes, also, signal) => limit(() => storage.transact(changes, also, signal)),
  };
}
