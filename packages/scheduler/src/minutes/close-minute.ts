import type { ControlItem } from "@tuppence/core/leases";
import { isEntryOpen } from "../entries/entry.ts";
import { markerKey } from "../entries/keys.ts";
import { readEntries } from "../entries/read-entries.ts";
import { untilCertain, updateWithToken } from "../storage/certain-writes.ts";
import { type Minute, type MinuteContext, openMinute, tokenOf } from "./open-minute.ts";

/**
 * Closes a minute that is over and in which nothing is to be done. First it says so in the marker, then it looks once more: an entry that was
 * put before that is seen here, and whoever puts one after it finds the minute closing, and opens it. A crash in between leaves a marker
 * that others find. Answers false when it stays open.
 *
 * Cost: 3 WCU, and 1 RCU and more for the look.
 */
export async function closeMinute(
  context: MinuteContext,
  place: Minute,
  marker: ControlItem,
): Promise<boolean> {
  const { guards, storage, signal } = context;
  const key = markerKey(place.shard, place.minute);
  const token = tokenOf(context);
  const closing = { st: "closing", tk: token };
  const where = { st: marker["st"], tk: marker["tk"] };
  const said = await updateWithToken(context, { key, where, set: closing });
  if (!said.applied) return false;
  if (guards.queriesOnceMore && (await hasOpenEntry(context, place))) {
    await openMinute(context, place);
    return false;
  }
  const outcome = await untilCertain(context, "a marker", () =>
    storage.transact([{ delete: key, where: closing }], [], signal),
  );
  return outcome.applied;
}

async function hasOpenEntry(context: MinuteContext, place: Minute): Promise<boolean> {
  for await (const entry of readEntries(context, { ...place, consistency: "strong" })) {
    if (isEntryOpen(entry)) return true;
  }
  return false;
}
