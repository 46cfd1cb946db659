import { type ControlStorage, createMemoryControlStorage } from "@tuppence/core/leases";
import type { ItemRange, ScheduleStorage } from "./schedule-storage.ts";

/**
 * Schedules in this process's memory, for tests and models. Schedulers and workers that are given the same one share them. Nothing in it
 * expires: what TTL would remove stays.
 */
export function createMemoryScheduleStorage(
  control: ControlStorage = createMemoryControlStorage(),
): ScheduleStorage {
  return {
    ...control,
    tableName: "memory-schedules",

    async query(range) {
      const { partition, limit = Number.POSITIVE_INFINITY, consistency, signal } = range;
      const all = await control.list(partition, { consistency, signal });
      const found = [...all]
        .filter(([sort]) => isIn(range, sort))
        .toSorted(([one], [other]) => compare(one, other));
      return { items: found.slice(0, limit), more: found.length > limit };
    },

    writesOf: () => [],

    findMany: (keys) => Promise.allSettled(keys.map((key) => control.find(key))),

    updateMany: (updates) => Promise.allSettled(updates.map((update) => control.update(update))),
  };
}

function isIn({ from, to, after }: ItemRange, sort: string): boolean {
  return (
    (from === undefined || compare(sort, from) >= 0) &&
    (to === undefined || compare(sort, to) <= 0) &&
    (after === undefined || compare(sort, after) > 0)
  );
}

/** As DynamoDB does: by the bytes of UTF-8. */
function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
