import type { SchedulerContext } from "../context.ts";
import { digits } from "../entries/entry-id.ts";
import { bellKey, markerKey } from "../entries/keys.ts";
import { untilCertain, type Writing } from "../storage/certain-writes.ts";
import type { EntryPlace } from "../entries/entry-id.ts";
import { wakeAhead } from "../relay/wake-ahead.ts";
import { endOfMinute, isNear } from "./minute.ts";

/**
 * A minute of a shard with entries has a marker, by which drains find it, and a doorbell, which TTL removes when it is over:
 *
 * ```
 * OPEN|shard         / minute   marker: st = open, or closing; tk token. Closed: none
 * BELL|shard|minute  / bell     doorbell: ttl
 * ```
 *
 * With a relay the doorbell rings ahead, by the lead of the relay: it hands over wake-ups, and puts another one for the end of the minute.
 */
export type Minute = { readonly shard: number; readonly minute: number };

export type MinuteContext = Pick<
  SchedulerContext,
  "storage" | "runtime" | "guards" | "seenMinutes" | "minuteRuns" | "relay" | "emit"
> &
  Pick<Writing, "signal">;

/**
 * Makes sure that a minute has its marker and its doorbell, before an entry is put into it.
 *
 * Cost: 2 WCU the first time that this process sees the minute; nothing later.
 */
export async function ensureMinute(context: MinuteContext, place: Minute): Promise<void> {
  const { seenMinutes, minuteRuns } = context;
  const seen = `${place.shard}|${place.minute}`;
  if (seenMinutes.has(seen)) return;
  await minuteRuns.run(`ensure|${seen}`, async () => {
    if (seenMinutes.has(seen)) return;
    await beginMinute(context, place);
    seenMinutes.set(seen, true);
  });
}

async function beginMinute(context: MinuteContext, { shard, minute }: Minute): Promise<void> {
  const { storage, signal } = context;
  await untilCertain(context, "a marker", () =>
    storage.update(
      { key: markerKey(shard, minute), where: { st: undefined }, set: { st: "open", tk: tokenOf(context) } },
      signal,
    ),
  );
  await putBell(context, { shard, minute }, endOfMinute(minute) - (context.relay?.leadMs ?? 0));
}

/**
 * Looks back once an entry was put: if its minute is near or past, a drain may have closed it, and its doorbell may have rung. After it the entry
 * can't be lost. A look that began after several entries were put is one for all of them.
 *
 * Cost: nothing for a minute that is far; else 2 RCU at most, and 1 WCU for each of the two that is to be put again.
 */
export async function lookBack(context: MinuteContext, place: EntryPlace): Promise<void> {
  const { shard, minute } = place;
  if (isNear(minute, context.runtime.now())) {
    await context.minuteRuns.run(`look|${shard}|${minute}`, () => lookAtMinute(context, { shard, minute }));
  }
  await wakeAhead(context, place, [place.fireAtMs]);
}

async function lookAtMinute(context: MinuteContext, place: Minute): Promise<void> {
  const { storage, runtime, guards, signal } = context;
  const { shard, minute } = place;
  const [marker, bell] = await Promise.all([
    storage.find(markerKey(shard, minute), signal),
    storage.find(bellKey(shard, minute), signal),
  ]);
  const isOpen = marker?.["st"] === "open" || !guards.looksBack;
  if (!isOpen) await openMinute(context, place);
  if (!guards.putsSecondBell) return;
  // A doorbell that was there before the minute was opened may have rung in between.
  const rings = isOpen ? bell : await storage.find(bellKey(shard, minute), signal);
  if (rings === undefined) await putBell(context, place, Math.max(endOfMinute(minute), runtime.now()));
}

/** Opens a minute, whatever it was. */
export async function openMinute(context: MinuteContext, { shard, minute }: Minute): Promise<void> {
  const set = { st: "open", tk: tokenOf(context) };
  await untilCertain(context, "a marker", () =>
    context.storage.update({ key: markerKey(shard, minute), where: {}, set }, context.signal),
  );
}

/** Puts a doorbell that rings at a time or later, if there is none. */
async function putBell(context: MinuteContext, place: Minute, ringAtMs: number): Promise<void> {
  const update = {
    key: bellKey(place.shard, place.minute),
    where: { ttl: undefined },
    set: { ttl: Math.ceil(ringAtMs / 1_000) },
  };
  await untilCertain(context, "a doorbell", () => context.storage.update(update, context.signal));
}

/** Makes sure that a doorbell rings once it is that late, and not much later. */
export async function ringBy(context: MinuteContext, place: Minute, ringAtMs: number): Promise<void> {
  const { storage, signal } = context;
  const key = bellKey(place.shard, place.minute);
  const ttl = Math.ceil(ringAtMs / 1_000);
  for (;;) {
    const bell = await storage.find(key, signal);
    if (bell !== undefined && Number(bell["ttl"]) <= ttl) return;
    const update = { key, where: { ttl: bell?.["ttl"] }, set: { ttl } };
    const { applied } = await untilCertain(context, "a doorbell", () => storage.update(update, signal));
    if (applied) return;
  }
}

export function tokenOf({ runtime }: Pick<MinuteContext, "runtime">): string {
  return digits(runtime.random);
}
