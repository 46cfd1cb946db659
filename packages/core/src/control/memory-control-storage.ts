import type {
  ControlChange,
  ControlItem,
  ControlKey,
  ControlStorage,
  ControlUpdate,
} from "./control-storage.ts";

/** Control items in this process's memory, for tests and models. Those who are given the same one share its items. */
export function createMemoryControlStorage(): ControlStorage {
  const partitions = new Map<string, Map<string, ControlItem>>();
  const find = ({ partition, sort }: ControlKey): ControlItem | undefined =>
    partitions.get(partition)?.get(sort);
  const holds = (change: ControlChange): boolean => {
    const found = find("delete" in change ? change.delete : change.key);
    const { where } = change;
    return Object.entries(where).every(([name, value]) => found?.[name] === value);
  };
  const apply = ({ key, set }: ControlUpdate): ControlItem => {
    const attributes = Object.entries({ ...find(key), ...set }).filter(([, value]) => value !== undefined);
    const item = Object.fromEntries(attributes) as ControlItem;
    const items = partitions.get(key.partition) ?? new Map<string, ControlItem>();
    partitions.set(key.partition, items.set(key.sort, item));
    return item;
  };
  const remove = ({ partition, sort }: ControlKey): void => {
    partitions.get(partition)?.delete(sort);
  };
  return {
    tableName: "memory-control",

    async update(update, signal) {
      signal?.throwIfAborted();
      if (!holds(update)) return { applied: false, item: find(update.key), resent: false };
      return { applied: true, item: apply(update) };
    },

    async transact(changes, also, signal) {
      signal?.throwIfAborted();
      if (also.length > 0) throw new TypeError("Memory has no other tables to write to.");
      const refused = changes.flatMap((change, index) => (holds(change) ? [] : [index]));
      if (refused.length > 0) return { applied: false, refused };
      for (const change of changes) {
        if ("delete" in change) remove(change.delete);
        else apply(change);
      }
      return { applied: true };
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

    async delete(key, signal) {
      signal?.throwIfAborted();
      remove(key);
    },

    async ensureTables() {
      // Nothing to create.
    },
  };
}
