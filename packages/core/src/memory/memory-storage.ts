import { itemSize, type Item } from "../capacity/item-size.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { readSlots } from "../chain/tiling.ts";

/** A page of a Query ends at 1 MB. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html */
const PAGE_BYTES = 1024 * 1024;

/** Chains in this process's memory, with the conditions and pages of DynamoDB. */
export function createMemoryStorage(): ChainStorage {
  /** The items of each chain by their first slots, in slot order. */
  const chains = new Map<string, Map<number, Item>>();

  return {
    async putNew(items, signal) {
      signal?.throwIfAborted();
      const places = items.map((item) => ({
        item,
        chain: String(item["p"]?.S),
        slot: readSlots(item).first,
      }));
      for (const { chain, slot } of places) {
        const inTheWay = chains.get(chain)?.get(slot);
        if (inTheWay !== undefined) return inTheWay;
      }
      for (const { item, chain, slot } of places) {
        const slots = chains.get(chain) ?? new Map<number, Item>();
        chains.set(chain, slots.set(slot, item));
      }
      return undefined;
    },

    async query({ chain, from, to, backward, limit = Number.POSITIVE_INFINITY, signal }) {
      signal?.throwIfAborted();
      // Slots are only ever taken in rising order, so the map's order is theirs.
      const slots = [...(chains.get(chain)?.entries() ?? [])].filter(([slot]) => slot >= from && slot <= to);
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
        .filter(([, slots]) => category === undefined || slots.get(1)?.["c"]?.S === category)
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
