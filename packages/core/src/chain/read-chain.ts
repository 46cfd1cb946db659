import { itemSize, type Item } from "../capacity/item-size.ts";
import { type Bill, readUnits } from "../capacity/units.ts";
import { IntegrityError } from "../errors.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import type { ChainStorage, Consistency, ItemPage, SlotRange } from "./storage.ts";
import { type ChainGuards, type ChainItem, readSlots } from "./tiling.ts";

/** Above every slot that can be. */
export const LAST_SLOT: number = Number.MAX_SAFE_INTEGER;

/** The slot of a chain's snapshot, if it has one in an item of its own: after all others, as 2 ** 53 is no safe integer. */
export const SNAPSHOT_SLOT: number = LAST_SLOT + 1;

/** How often a slot that has to be there is looked for; a transaction's items become visible one by one. */
const MAX_LOOKS = 6;
const LOOK_BACKOFF = { baseMs: 10, maxMs: 200 };

/** A window of slots, both ends inclusive, and how to read it. */
export interface ChainWindow {
  readonly low: number;
  readonly high: number;
  readonly backward: boolean;
  /** Stop after the item that holds so many slots of the window. */
  readonly limit?: number | undefined;
  readonly consistency: Consistency;
  readonly signal?: AbortSignal | undefined;
  /**
   * For a backward walk that ends where its consumer finds what it looks for: how many items the first page has. Later pages
   * have four times as many each, and none is fetched ahead.
   */
  readonly firstPageItems?: number | undefined;
  /** Is given the chain's snapshot, if it has one in an item of its own, before the first item. Only backward, from the tail. */
  readonly onSnapshot?: ((item: Item) => void) | undefined;
  /** Whether it is known that an item begins at `low`: saves the look for one that begins before it. */
  readonly lowIsFirst?: boolean | undefined;
}

export interface ChainReadContext {
  readonly storage: ChainStorage;
  readonly runtime: Runtime;
  readonly guards: Pick<ChainGuards, "fillsHoles">;
  readonly chain: string;
  readonly bill: Bill;
}

/** The items that hold a window's slots, one by one: see `readChainPages`. */
export async function* readChain(
  context: ChainReadContext,
  window: ChainWindow,
): AsyncGenerator<ChainItem, void, undefined> {
  for await (const items of readChainPages(context, window)) yield* items;
}

/** All items from a slot on that an item begins at, if there is one: the way to follow a chain. */
export function readOn(
  context: ChainReadContext,
  slot: number,
  options: Pick<ChainWindow, "consistency" | "signal">,
): AsyncGenerator<ChainItem, void, undefined> {
  return readChain(context, { low: slot, lowIsFirst: true, high: LAST_SLOT, backward: false, ...options });
}

/**
 * The items that hold a window's slots, in order; the first and the last may reach beyond it. One page is
 * fetched ahead while the consumer works, and leaving the loop stops that. They come as many at a time as are at hand,
 * because a step of an async iterator for each of thousands is dear.
 *
 * What comes out tiles the window. Where a page has a hole, because a Query may see part of a transaction
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation)
 * or because a commit begins before the window, the missing item is read by itself.
 *
 * @throws IntegrityError when slots stay missing or overlap.
 */
export async function* readChainPages(
  context: ChainReadContext,
  window: ChainWindow,
): AsyncGenerator<readonly ChainItem[], void, undefined> {
  const walk = window.backward ? backwardWalk(window) : forwardWalk(window);
  for await (const page of foundPages(context, window)) {
    /** Those before it have been given out. */
    let from = 0;
    for (const [at, item] of page.entries()) {
      const missing = walk.missingBefore(item);
      const overlaps = walk.overlaps(item);
      if ((missing !== undefined || overlaps) && at > from) {
        // A consumer that has enough with these needs no look for what is missing, and no error.
        yield page.slice(from, at);
        from = at;
      }
      if (missing !== undefined) yield* fill(context, missing, window);
      if (overlaps) throw overlap(context.chain, item);
      walk.pass(item);
      if (walk.done()) {
        yield page.slice(from, at + 1);
        return;
      }
    }
    yield from === 0 ? page : page.slice(from);
  }
  const missing = walk.missingAtEnd();
  if (missing !== undefined) yield* fill(context, missing, window);
}

/** The items that begin in the window, or else the one that begins before it and reaches into it. */
async function* foundPages(
  context: ChainReadContext,
  window: ChainWindow,
): AsyncGenerator<readonly ChainItem[]> {
  let found = false;
  for await (const items of itemPages(context, window)) {
    found ||= items.length > 0;
    if (items.length > 0) yield items;
  }
  if (found || window.low === 1 || window.lowIsFirst) return;
  const before = await lastItemUpTo(context, window.low, window.signal);
  if (before !== undefined && before.last >= window.low) yield [before];
}

/** Slots that have to be there, from the first to read to the last; `from > to` in a backward walk. */
interface Missing {
  readonly from: number;
  readonly to: number;
}

/** Follows which slot has to come next. */
interface Walk {
  missingBefore(item: ChainItem): Missing | undefined;
  /** Whether it begins inside another one, which is never right. */
  overlaps(item: ChainItem): boolean;
  pass(item: ChainItem): void;
  done(): boolean;
  missingAtEnd(): Missing | undefined;
}

function forwardWalk(window: ChainWindow): Walk {
  let next = window.low;
  let commitLast = 0;
  const stopAt = window.low + (window.limit ?? LAST_SLOT) - 1;
  return {
    missingBefore: (item) => (item.first > next ? { from: next, to: item.first - 1 } : undefined),
    overlaps: (item) => commitLast !== 0 && item.first < next,
    pass(item) {
      next = item.last + 1;
      commitLast = item.commitLast;
    },
    done: () => next > stopAt || next > window.high,
    missingAtEnd() {
      const last = Math.min(commitLast, window.high, stopAt);
      return next <= last ? { from: next, to: last } : undefined;
    },
  };
}

function backwardWalk(window: ChainWindow): Walk {
  let next: number | undefined;
  let highest: number | undefined;
  const reached = (): boolean => {
    const lowest = Math.max(window.low, (highest ?? LAST_SLOT) - (window.limit ?? LAST_SLOT) + 1);
    return next !== undefined && next < lowest;
  };
  return {
    missingBefore(item) {
      if (next === undefined) {
        // Above the first item there may be more of its own commit.
        const top = Math.min(item.commitLast, window.high);
        return top > item.last ? { from: top, to: item.last + 1 } : undefined;
      }
      return item.last < next ? { from: next, to: item.last + 1 } : undefined;
    },
    overlaps: (item) => next !== undefined && item.last > next,
    pass(item) {
      highest ??= Math.min(item.commitLast, window.high);
      next = item.first - 1;
    },
    done: reached,
    missingAtEnd: () => (next !== undefined && !reached() ? { from: next, to: window.low } : undefined),
  };
}

function overlap(chain: string, item: ChainItem): IntegrityError {
  return new IntegrityError(chain, item.first, "an item begins inside another one");
}

async function* itemPages(
  context: ChainReadContext,
  window: ChainWindow,
): AsyncGenerator<readonly ChainItem[]> {
  /** Ends the fetch of a page ahead, for a consumer that leaves. */
  let leave: AbortController | undefined;
  let wanted = window.limit ?? LAST_SLOT;
  let pageItems = window.firstPageItems;
  let pending: Promise<ItemPage> | undefined = queryPage(context, {
    ...rangeOf(window),
    ...(window.onSnapshot ? { to: SNAPSHOT_SLOT } : undefined),
    limit: pageItems ?? window.limit,
  });
  try {
    while (pending !== undefined) {
      const page: ItemPage = await pending;
      const items = slotsOf(page, window);
      wanted -= items.reduce((count, item) => count + item.last - item.first + 1, 0);
      const rest = page.more && wanted > 0 ? rangeAfter(context.chain, window, items) : undefined;
      if (pageItems !== undefined) {
        yield items;
        pageItems *= PAGE_GROWTH;
        pending = rest && queryPage(context, { ...rest, limit: pageItems });
        continue;
      }
      leave = rest && new AbortController();
      pending = rest && queryPage(context, { ...rest, signal: eitherSignal(window.signal, leave?.signal) });
      // Until it is awaited above, a failure of the page ahead must not count as unhandled.
      pending?.catch(() => undefined);
      yield items;
    }
  } finally {
    leave?.abort();
  }
}

const PAGE_GROWTH = 4;

function slotsOf({ items }: ItemPage, window: ChainWindow): readonly ChainItem[] {
  const chained = window.onSnapshot ? items.filter((item) => !isSnapshot(item, window)) : items;
  return chained.map(readSlots);
}

/** Hands a snapshot over to who waits for it. */
function isSnapshot(item: Item, { onSnapshot }: ChainWindow): boolean {
  if (onSnapshot === undefined || item["s"]?.N !== String(SNAPSHOT_SLOT)) return false;
  onSnapshot(item);
  return true;
}

function eitherSignal(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other);
}

function rangeOf(window: ChainWindow): Omit<SlotRange, "chain"> {
  const { low: from, high: to, backward, consistency, signal } = window;
  return { from, to, backward, consistency, signal };
}

function rangeAfter(
  chain: string,
  window: ChainWindow,
  items: readonly ChainItem[],
): Omit<SlotRange, "chain"> | undefined {
  const last = items.at(-1);
  // Only the snapshot was in it.
  if (last === undefined && window.onSnapshot) return rangeOf(window);
  if (last === undefined)
    throw new IntegrityError(chain, window.low, "a page without items claims that more follow");
  const range = {
    ...rangeOf(window),
    ...(window.backward ? { to: last.first - 1 } : { from: Math.max(last.first, last.last) + 1 }),
  };
  return range.from <= range.to ? range : undefined;
}

async function queryPage(context: ChainReadContext, range: Omit<SlotRange, "chain">): Promise<ItemPage> {
  const page = await context.storage.query({ chain: context.chain, ...range });
  const bytes = page.items.reduce((total, item) => total + itemSize(item), 0);
  context.bill.addRead(readUnits(bytes, range.consistency));
  return page;
}

async function* fill(
  context: ChainReadContext,
  { from, to }: Missing,
  window: ChainWindow,
): AsyncGenerator<readonly ChainItem[]> {
  if (!context.guards.fillsHoles) return;
  for (let slot = from; window.backward ? slot >= to : slot <= to; ) {
    const item = await itemHolding(context, slot, window.signal);
    yield [item];
    slot = window.backward ? item.first - 1 : item.last + 1;
  }
}

/** The item that holds a slot which has to be there, as later ones are taken. */
export async function itemHolding(
  context: ChainReadContext,
  slot: number,
  signal: AbortSignal | undefined,
): Promise<ChainItem> {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const item = await lastItemUpTo(context, slot, signal);
    if (item !== undefined && item.last >= slot) return item;
    await context.runtime.sleep(backoffMs(look, LOOK_BACKOFF, context.runtime.random), signal);
  }
  throw new IntegrityError(context.chain, slot, "nothing is stored here, though later slots are taken");
}

/** The last item that begins at or before `slot`, read with strong consistency: 1 request, 1 RCU for each 4 KB. */
export async function lastItemUpTo(
  context: ChainReadContext,
  slot: number,
  signal: AbortSignal | undefined,
): Promise<ChainItem | undefined> {
  const range = { from: 1, to: slot, backward: true, limit: 1, consistency: "strong", signal } as const;
  const item = (await queryPage(context, range)).items[0];
  return item && readSlots(item);
}
