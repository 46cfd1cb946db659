import type { Bill } from "../capacity/units.ts";
import { type ChainContext, readContext } from "../chain/chain.ts";
import { type ChainWindow, LAST_SLOT, readChainPages } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import type { RecordedEvent } from "../events.ts";
import type { ReadOptions } from "./read-options.ts";
import { type OpenContext, openEvents } from "./open-events.ts";

/** What reads of one store work with. */
export interface ReadContext extends ChainContext, OpenContext {}

/** What read options ask for. */
export interface ReadPlan {
  readonly window: ChainWindow;
  /** At most so many events. */
  readonly limit: number;
  /** Epoch milliseconds; later commits are left out. */
  readonly asOf: number;
}

/**
 * Checks read options.
 *
 * @throws RangeError for versions, limits and dates that are none.
 */
export function planRead(options: ReadOptions): ReadPlan {
  const {
    direction = "forward",
    fromVersion,
    toVersion,
    limit,
    asOf,
    consistency = "strong",
    signal,
  } = options;
  checkCounts({ fromVersion, toVersion, limit });
  if (asOf !== undefined && Number.isNaN(asOf.getTime())) throw new RangeError("asOf is an invalid date.");
  const backward = direction === "backward";
  const low = (backward ? toVersion : fromVersion) ?? 1;
  const high = (backward ? fromVersion : toVersion) ?? LAST_SLOT;
  // Going back in time, what is left out comes first and must not count.
  const slots = backward && asOf !== undefined ? undefined : limit;
  return {
    window: { low, high, backward, limit: slots, consistency, signal },
    limit: limit ?? Number.POSITIVE_INFINITY,
    asOf: asOf?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}

/** @throws RangeError for a value that is given and no whole number from 1. */
export function checkCounts(values: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) {
      throw new RangeError(`${name} is ${String(value)}; it has to be a whole number from 1.`);
    }
  }
}

/** The events of a plan, in reading order. */
export async function* readEvents(
  context: ReadContext,
  streamId: string,
  read: ReadPlan & { readonly bill: Bill },
): AsyncGenerator<RecordedEvent, void, undefined> {
  let { limit } = read;
  let { low, lowIsFirst } = read.window;
  for (;;) {
    const window = { ...read.window, low, lowIsFirst };
    const items = plannedItems(context, streamId, { ...read, window, limit });
    let begin: number | undefined;
    pages: for await (const page of items.pages) {
      for (const item of page) {
        const opened = items.open(item);
        const events = opened instanceof Promise ? await opened : opened;
        // What was truncated is left out, and all of it is before what was kept.
        if (events !== undefined) begin = item.truncatedBefore;
        if (begin !== undefined) break pages;
        for (const event of events ?? []) yield event;
        limit -= events?.length ?? 0;
        if (items.isDone()) return;
      }
    }
    if (begin === undefined || window.backward || limit === 0) return;
    low = begin;
    lowIsFirst = true;
  }
}

type Events = readonly RecordedEvent[];

/** The items of a plan in reading order, to be opened one after the other until it is done. */
export interface PlannedItems {
  /** As many at a time as are at hand. */
  readonly pages: AsyncIterable<readonly ChainItem[]>;
  /** The events of an item that were asked for, in reading order; undefined for an item that is left out. */
  open(item: ChainItem): Events | undefined | Promise<Events>;
  /** Whether no later item holds anything that was asked for. */
  isDone(): boolean;
}

/**
 * The items of a plan. They are opened by who reads them, so that nothing is decoded, fetched or decrypted, and
 * nothing fails, that a reader does not get to.
 */
export function plannedItems(
  context: ReadContext,
  streamId: string,
  read: ReadPlan & { readonly bill: Bill },
): PlannedItems {
  const { bill, asOf } = read;
  const lowIsFirst =
    read.window.lowIsFirst ?? context.knownEnds.find(streamId, read.window.low - 1) !== undefined;
  const window = { ...read.window, lowIsFirst };
  let left = window.low > window.high ? 0 : read.limit;
  const taken = (opened: Events): Events => {
    bill.events += opened.length;
    left -= opened.length;
    return window.backward ? opened.toReversed() : opened;
  };
  return {
    pages: left === 0 ? noPages() : readChainPages(readContext(context, { chain: streamId, bill }), window),
    open(item) {
      context.knownEnds.add(streamId, context.guards.endAfter(item));
      if (item.recordedAt > asOf) {
        // Times never go back within a stream: after the first commit that is too late come only later ones.
        if (!window.backward) left = 0;
        return undefined;
      }
      const found = openEvents(context, item, wantedVersions(item, window, left));
      return found instanceof Promise ? found.then(taken) : taken(found);
    },
    isDone: () => left === 0,
  };
}

async function* noPages(): AsyncGenerator<readonly ChainItem[]> {}

/** Which of an item's events are in the window, and still within the limit. */
function wantedVersions(
  item: ChainItem,
  window: ChainWindow,
  left: number,
): { readonly low: number; readonly high: number } {
  const low = Math.max(item.first, window.low);
  const high = Math.min(item.last, window.high);
  return window.backward
    ? { low: Math.max(low, high - left + 1), high }
    : { low, high: Math.min(high, low + left - 1) };
}
