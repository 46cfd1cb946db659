import type { ControlItem, ControlKey, ControlStorage } from "./control-storage.ts";

/** Control items in this process's memory, for tests and models. Those who are given the same one share its items. */
export function createMemoryControlStorage(): ControlStorage {
  const partitions = new Map<string, Map<string, ControlItem>>();
  const find = ({ partition, sort }: ControlKey): ControlItem | undefined =>
    partitions.get(partition)?.get(sort);
  return {
    tableName: "memory-control",

    async update({ key, where, set }, signal) {
      signal?.throwIfAborted();
      const found = find(key);
      if (Object.entries(where).some(([name, value]) => found?.[name] !== value)) {
        return { applied: false, item: found, resent: false };
      }
      const attributes = Object.entries({ ...found, ...set }).filter(([, value]) => value !== undefined);
      const item = Object.fromEntries(attributes) as ControlItem;
      const items = partitions.get(key.partition) ?? new Map<string, ControlItem>();
      partitions.set(key.partition, items.set(key.sort, item));
      return { applied: true, item };
    },

    async find(key, signal) {
      signal?.throwIfAborted();
      return find(key);
    },

    async list(partition, { signal }) {
      signal?.throwIfAborted();
      return new Map(
        [...(partitions.get(partition) ?? [])].toSorted(([one], [other]) => (one < other ? -1 : 1)),
      );
    },

    async delete({ partition, sort }, signal) {
      signal?.throwIfAborted();
      partitions.get(partition)?.delete(sort);
    },

    async ensureTables() {
      // Nothing to create.
    },
  };
}
