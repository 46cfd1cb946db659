import pMap from "p-map";
import { isEntryOpen } from "../entries/entry.ts";
import { readEntries } from "../entries/read-entries.ts";
import { markerKey } from "../entries/keys.ts";
import type { ChangeContext } from "../firing/change-entry.ts";
import { endOfMinute, minuteOf, NEAR_MS } from "../minutes/minute.ts";
import { type Minute, openMinute, ringBy } from "../minutes/open-minute.ts";

/** What `recover` found and did. */
export interface Recovery {
  /** Minutes of shards that were looked at. */
  readonly minutes: number;
  /** Occurrences in them that are still to be fired. */
  readonly waiting: number;
  /** Minutes with such occurrences that were closed, and are open now. */
  readonly opened: number;
}

/** Minutes that are looked at at a time. */
const CONCURRENT_MINUTES = 16;

/**
 * Looks through all minutes from a time to now: what is still to be fired there is found by a worker, or by a doorbell that rings now, whatever was lost
 * by an outage. Nothing of it is fired twice. Ten minutes more are looked through: they may be over to other clocks.
 */
export async function recover(
  context: ChangeContext,
  { since, shards }: { readonly since: Date; readonly shards: number },
): Promise<Recovery> {
  const nowMs = context.runtime.now();
  const places: Minute[] = [];
  for (let minute = minuteOf(since.getTime()); minute <= minuteOf(nowMs + NEAR_MS); minute++) {
    for (let shard = 0; shard < shards; shard++) places.push({ shard, minute });
  }
  const found = await pMap(places, (place) => recoverMinute(context, place, nowMs), {
    concurrency: CONCURRENT_MINUTES,
  });
  return {
    minutes: places.length,
    waiting: found.reduce((total, { waiting }) => total + waiting, 0),
    opened: found.filter(({ isOpened }) => isOpened).length,
  };
}

async function recoverMinute(
  context: ChangeContext,
  place: Minute,
  nowMs: number,
): Promise<{ readonly waiting: number; readonly isOpened: boolean }> {
  let waiting = 0;
  for await (const entry of readEntries(context, { ...place, consistency: "strong" })) {
    if (isEntryOpen(entry)) waiting++;
  }
  if (waiting === 0) return { waiting, isOpened: false };
  const marker = await context.storage.find(markerKey(place.shard, place.minute), context.signal);
  const isOpened = marker?.["st"] !== "open";
  if (isOpened) await openMinute(context, place);
  // One that is not over keeps the doorbell that rings then.
  await ringBy(context, place, Math.max(nowMs, endOfMinute(place.minute)));
  return { waiting, isOpened };
}
