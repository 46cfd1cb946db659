import { itemSize, type Item } from "../capacity/item-size.ts";
import { type ChainStorage, CONTENT_ATTRIBUTES, type SlotKey } from "../chain/storage.ts";

/** A page of a Query ends at 1 MB. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html */
const PAGE_BYTES = 1024 * 1024;

/** Chains in this process's memory, with the conditions and pages of DynamoDB. */
export function createMemoryStorage(): ChainStorage {
  /** The items of each chain by their first slots, in slot order. */
  const chains = new Map<string, Map<number, Item>>();
  const placeOf = (item: Item): SlotKey => ({ chain: String(item["p"]?.S), slot: Number(item["s"]?.N) });
  const find = ({ chain, slot }: SlotKey): Item | undefined => chains.get(chain)?.get(slot);
  const put = ({ chain, slot }: SlotKey, item: Item): void => {
    chains.set(chain, (chains.get(chain) ?? new Map<number, Item>()).set(slot, item));
  };

  return {
    async putNew(item, signal) {
      signal?.throwIfAborted();
      const place = placeOf(item);
      const inTheWay = find(place);
      if (inTheWay === undefined) put(place, item);
      return inTheWay;
    },

    async transact({ puts, free }, signal) {
      signal?.throwIfAborted();
      const inTheWay = [...puts.map(placeOf), ...free].map(find);
      if (inTheWay.some((found) => found !== undefined)) return inTheWay;
      for (const item of puts) put(placeOf(item), item);
      return undefined;
    },

    async putSnapshot(item, signal) {
      signal?.throwIfAborted();
      const found = find(placeOf(item));
      if (Number(found?.["v"]?.N ?? 0) < Number(item["v"]?.N)) put(placeOf(item), item);
    },

    async strip(slot, attributes, signal) {
      signal?.throwIfAborted();
      const kept = Object.entries(find(slot) ?? {}).filter(([name]) => !CONTENT_ATTRIBUTES.includes(name));
      put(slot, { ...Object.fromEntries(kept), ...attributes });
    },

    async find(slots, signal) {
      signal?.throwIfAborted();
      return slots.map(find);
    },

    async query({ chain, from, to, backward, limit = Number.POSITIVE_INFINITY, signal }) {
      signal?.throwIfAborted();
      const slots = [...(chains.get(chain)?.entries() ?? [])]
        .filter(([slot]) => slot >= from && slot <= to)
        .toSorted(([one], [other]) => one - other);
      if (backward) slots.reverse();
      const items: Item[] = [];
      let bytes = 0;
      for (const [, item] of slots) {
        if (items.length === limit || bytes >= PAGE_BYTES) return { items, more: true };
        items.push(item);
        bytes += itemSize(item);
      }
      return { items, more: false };
    },

    async listNames(category, { after = "", limit = Number.POSITIVE_INFINITY, next = after, signal }) {
      signal?.throwIfAborted();
      const from = Buffer.from(String(next));
      const names = [...chains]
        .filter(([, slots]) => {
          const own = slots.get(1)?.["c"]?.S;
          return category === undefined ? own !== undefined : own === category;
        })
        .map(([name]) => Buffer.from(name))
        .filter((name) => Buffer.compare(name, from) > 0)
        .toSorted((one, other) => Buffer.compare(one, other))
        .map(String);
      const page = names.slice(0, limit);
      return { names: page, next: names.length > page.length ? page.at(-1) : undefined };
    },

    async ensureTables() {
      // Nothing to create.
    },
  };
}
