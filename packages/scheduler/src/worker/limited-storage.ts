import type { Runtime } from "@tuppence/core";
import type { LimitFunction } from "p-limit";
import type { ScheduleStorage } from "../storage/schedule-storage.ts";

/** What a worker has before it, and how fast it is. */
export interface Load {
  /** Occurrences that wait to be claimed. */
  waiting: number;
  /** From the end of one write to that of the next while there are many, in milliseconds. */
  writeMs: number;
}

/** What is believed before it was measured: the first writes of a process open its connections. */
export const FIRST_WRITE_MS = 3;

/** Fewer writes at a time say nothing of how many there could be. */
const MIN_ACTIVE = 8;
/** How much one write counts in the average. */
const WEIGHT = 0.05;

/** A storage with so many writes at a time, in the order in which they were asked for: the rest waits here, not in a queue of connections. */
export function limitWrites(
  storage: ScheduleStorage,
  { limit, load, runtime }: { readonly limit: LimitFunction; readonly load: Load; readonly runtime: Runtime },
): ScheduleStorage {
  const timed = async <Result>(write: () => Promise<Result>): Promise<Result> => {
    const since = runtime.monotonic();
    const result = await write();
    const { activeCount } = limit;
    if (activeCount < MIN_ACTIVE) return result;
    load.writeMs += WEIGHT * ((runtime.monotonic() - since) / activeCount - load.writeMs);
    return result;
  };
  return {
    ...storage,
    update: (update, signal) => limit(() => timed(() => storage.update(update, signal))),
    transact: (changes, also, signal) => limit(() => timed(() => storage.transact(changes, also, signal))),
  };
}
