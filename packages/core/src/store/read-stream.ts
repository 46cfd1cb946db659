import type { Bill } from "../capacity/units.ts";
import { type ChainContext, readContext } from "../chain/chain.ts";
import { type ChainWindow, LAST_SLOT, readChain } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import type { RecordedEvent } from "../events.ts";
import type { ReadOptions } from "./event-store.ts";
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
    let begin: number | undefined;
    for await (const { item, events } of readItems(context, streamId, { ...read, window, limit })) {
      // What was truncated is left out, and all of it is before what was kept.
      begin = item.truncatedBefore;
      if (begin !== undefined) break;
      yield* events;
      limit -= events.length;
    }
    if (begin === undefined || window.backward || limit === 0) return;
    low = begin;
    lowIsFirst = true;
  }
}

/** An item, and the events of it that were asked for. */
interface ReadItem {
  readonly item: ChainItem;
  readonly events: readonly RecordedEvent[];
}

/** The events of a plan by the items they are stored in: one step for each item instead of each event. */
export async function* readItems(
  context: ReadContext,
  streamId: string,
  read: ReadPlan & { readonly bill: Bill },
): AsyncGenerator<ReadItem, void, undefined> {
  const { bill, asOf } = read;
  const lowIsFirst =
    read.window.lowIsFirst ?? context.knownEnds.find(streamId, read.window.low - 1) !== undefined;
  const window = { ...read.window, lowIsFirst };
  if (window.low > window.high) return;
  let left = read.limit;
  for await (const item of readChain(readContext(context, { chain: streamId, bill }), window)) {
    context.knownEnds.add(streamId, context.guards.endAfter(item));
    // Times never go back within a stream: after the first commit that is too late come only later ones.
    if (item.t > asOf && !window.backward) return;
    if (item.t > asOf) continue;
    const found = openEvents(context, item, wantedVersions(item, window, left));
    const opened = found instanceof Promise ? await found : found;
    const events = window.backward ? opened.toReversed() : opened;
    bill.events += events.length;
    yield { item, events };
    left -= events.length;
    if (left === 0) return;
  }
}

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
