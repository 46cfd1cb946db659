import { Bill, type Billed } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { type ChainWindow, itemHolding, LAST_SLOT, readChain } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import type { RecordedEvent } from "../events.ts";
import { type CommitSlice, sliceCommits, unpackCommits } from "../store/commit-content.ts";
import { openSlices } from "../store/open-events.ts";
import { checkCounts, type ReadContext } from "../store/read-stream.ts";
import { categoryOf, checkCategory } from "../stream-name.ts";
import { streamOf } from "./collect-units.ts";
import type { LogFilter, LoggedEvent, ReadAllOptions } from "./log-reads.ts";
import { LOG, type PageSlice, readPage } from "./page.ts";

/** A filter that was checked. */
export interface CheckedFilter {
  readonly categories: ReadonlySet<string> | undefined;
  readonly types: ReadonlySet<string> | undefined;
}

/** @throws RangeError for a category that is none, TypeError for a type that is not among the definitions. */
export function checkFilter({ definitions }: ReadContext, { categories, types }: LogFilter): CheckedFilter {
  for (const category of categories ?? []) checkCategory(category);
  for (const type of types ?? []) {
    if (definitions !== undefined && !Object.hasOwn(definitions, type)) {
      throw new TypeError(`${JSON.stringify(type)} is none of the store's event types.`);
    }
  }
  return { categories: categories && new Set(categories), types: types && new Set(types) };
}

/** What a read of the log asks for. */
export interface LogRead extends CheckedFilter {
  readonly window: ChainWindow;
  readonly limit: number;
}

/** @throws RangeError for positions, limits and categories that are none, TypeError for an unknown type. */
export function planLogRead(context: ReadContext, options: ReadAllOptions): LogRead {
  const { direction = "forward", fromPosition, toPosition, limit, signal } = options;
  checkCounts({ fromPosition, toPosition, limit });
  const backward = direction === "backward";
  const filter = checkFilter(context, options);
  const takesAll = filter.categories === undefined && filter.types === undefined;
  return {
    ...filter,
    limit: limit ?? Number.POSITIVE_INFINITY,
    window: {
      low: (backward ? toPosition : fromPosition) ?? 1,
      high: (backward ? fromPosition : toPosition) ?? LAST_SLOT,
      backward,
      limit: takesAll ? limit : undefined,
      consistency: options.consistency ?? "eventual",
      signal,
    },
  };
}

/** The events of a plan, in reading order. */
export async function* readLog(
  context: ReadContext,
  read: LogRead & Billed,
): AsyncGenerator<LoggedEvent, void, undefined> {
  const { bill = new Bill() } = read;
  const log = readContext(context, { chain: LOG, bill });
  let { window, limit: left } = read;
  while (window.low <= window.high) {
    let passed = 0;
    let rest = window;
    for await (const page of readChain(log, window)) {
      do {
        const wanted = wantedOf(page, rest, left);
        const opened = openPage(context, page, { ...read, window: wanted, bill });
        const events = opened instanceof Promise ? await opened : opened;
        if (window.backward) events.reverse();
        for (const event of events) {
          yield event;
          if (--left === 0) return;
        }
        passed += wanted.high - wanted.low + 1;
        rest = window.backward ? { ...rest, high: wanted.low - 1 } : { ...rest, low: wanted.high + 1 };
      } while (rest.high >= Math.max(page.first, rest.low) && rest.low <= Math.min(page.last, rest.high));
    }
    // The walk ends after so many positions as there may be events; those of what was truncated have none.
    if (window.limit === undefined || passed < window.limit) return;
    window = { ...rest, limit: left, lowIsFirst: rest.lowIsFirst || !rest.backward };
  }
}

/** The last position of the log, 0 while it is empty. Nothing is opened, so nothing can be unreadable. */
export async function readLogEnd(
  context: ReadContext,
  options: Pick<ChainWindow, "consistency" | "signal">,
): Promise<number> {
  const log = readContext(context, { chain: LOG, bill: new Bill() });
  const window = { low: 1, high: LAST_SLOT, backward: true, firstPageItems: 1, ...options };
  for await (const { last } of readChain(log, window)) return last;
  return 0;
}

/** The part of a window that is in a page, and within the limit: nothing is opened that a reader does not get to. */
function wantedOf(page: ChainItem, window: ChainWindow, left: number): ChainWindow {
  const low = Math.max(page.first, window.low);
  const high = Math.min(page.last, window.high);
  // With a filter, only opening them tells how many there are.
  if (window.limit === undefined) return { ...window, low, high };
  return window.backward
    ? { ...window, low: Math.max(low, high - left + 1), high }
    : { ...window, low, high: Math.min(high, low + left - 1) };
}

/** What is asked for of a page. */
export interface PageRead extends CheckedFilter {
  readonly window: Pick<ChainWindow, "low" | "high" | "signal">;
  readonly bill: Bill;
}

/** The events of a page that a read asks for, forward; at once unless something has to be fetched or decrypted. */
export function openPage(
  context: ReadContext,
  page: ChainItem,
  read: PageRead,
): LoggedEvent[] | Promise<LoggedEvent[]> {
  return openPageSlices(context, readPage(page), read);
}

type OpenedEvents = readonly RecordedEvent[] | Promise<readonly RecordedEvent[]>;

export function openPageSlices(
  context: ReadContext,
  all: readonly PageSlice[],
  read: PageRead,
): LoggedEvent[] | Promise<LoggedEvent[]> {
  const opened: OpenedEvents[] = [];
  const slices: PageSlice[] = [];
  let isLate = false;
  for (const slice of all) {
    const range = wantedOfSlice(slice, read);
    if (range === undefined) continue;
    const unpacked = unpackSlice(context, slice, read);
    const open = ({ item, commits }: UnpackedSlice): OpenedEvents =>
      openSlices(context, item, { slices: commits, range: { ...range, types: read.types } });
    const events = unpacked instanceof Promise ? unpacked.then(open) : open(unpacked);
    if (events instanceof Promise) {
      isLate = true;
      // It is awaited with the others; should one of those throw first, it must not count as unhandled.
      events.catch(() => undefined);
    }
    opened.push(events);
    slices.push(slice);
  }
  const placed = (events: readonly (readonly RecordedEvent[])[]): LoggedEvent[] => {
    const logged: LoggedEvent[] = [];
    for (const [index, some] of events.entries()) {
      const { source, position } = slices[index] as PageSlice;
      for (const event of some) logged.push(withPosition(event, position + event.version - source.first));
    }
    read.bill.events += logged.length;
    return logged;
  };
  return isLate
    ? Promise.all(opened.map(async (events) => events)).then(placed)
    : placed(opened as (readonly RecordedEvent[])[]);
}

/** The versions of a slice that a read asks for. */
export function wantedOfSlice(
  { source, position }: PageSlice,
  { categories, window }: PageRead,
): { readonly low: number; readonly high: number } | undefined {
  if (categories?.has(categoryOf(streamOf(source))) === false) return undefined;
  const { first, last } = source;
  // Positions and versions of a slice run in parallel.
  const low = Math.max(first, first + window.low - position);
  const high = Math.min(last, first + window.high - position);
  return low > high ? undefined : { low, high };
}

/** The commits of a slice, and the item that they are in. */
export interface UnpackedSlice {
  readonly item: ChainItem;
  readonly commits: readonly CommitSlice[];
}

/**
 * What a slice holds, at once unless it has to be read from its stream.
 *
 * @throws IntegrityError when it can't be read.
 */
export function unpackSlice(
  context: ReadContext,
  { source, entries, metadata, bodies }: PageSlice,
  read: Pick<PageRead, "bill"> & { readonly window: Pick<ChainWindow, "signal"> },
): UnpackedSlice | Promise<UnpackedSlice> {
  if (entries === undefined) {
    const stream = readContext(context, { chain: streamOf(source), bill: read.bill });
    return itemHolding(stream, source.first, read.window.signal).then((item) => ({
      item,
      commits: unpackCommits(item),
    }));
  }
  return { item: source, commits: sliceCommits(source, { entries, bodies: bodies.values(), metadata }) };
}

/** The event was made for this read, so it takes its position as it is. */
export function withPosition(event: RecordedEvent, position: number): LoggedEvent {
  const logged = event as RecordedEvent & { position: number };
  logged.position = position;
  return logged;
}
