import type { ChangeContext } from "../firing/change-entry.ts";
import { type Entry, decodeEntry, type NewEntry, newEntryUpdate } from "../entries/entry.ts";
import { newEntryId, placeOf } from "../entries/entry-id.ts";
import { shardOfName } from "../entries/keys.ts";
import type { Definition } from "../definition.ts";
import { ensureMinute, lookBack } from "../minutes/open-minute.ts";
import { jitterOf } from "../recurrence/jitter.ts";
import { firstOccurrence } from "../recurrence/next-occurrence.ts";
import { InvalidScheduleError } from "../recurrence/errors.ts";
import { untilCertain } from "../storage/certain-writes.ts";

/** A new entry for the first occurrence of a definition from now on; what is due in the past fires now. */
export function firstEntry(
  { runtime }: Pick<ChangeContext, "runtime">,
  definition: Definition,
  more: {
    readonly shards: number;
    readonly name?: string | undefined;
    readonly generation?: number | undefined;
    readonly previousId?: string | undefined;
    /** Of a series, the first occurrence after this due time as well, in epoch milliseconds. Default: none. */
    readonly passedMs?: number | undefined;
    /** When it may fire, whatever the definition says. */
    readonly fireAtMs?: number | undefined;
  },
): NewEntry {
  const nowMs = runtime.now();
  const { spec, jitterMs } = definition;
  const { shards, name, generation, previousId, passedMs = nowMs } = more;
  const dueMs = firstOccurrence(spec, Math.max(nowMs, passedMs));
  if (dueMs === undefined) {
    throw new InvalidScheduleError({ field: spec.kind, value: spec, problem: "it never fires again" });
  }
  const shard = name === undefined ? Math.floor(runtime.random() * shards) : shardOfName(name, shards);
  // Of what has no name there is nothing else that is the same each time it is reckoned, and nothing that reckons it again.
  const seed = `${name ?? runtime.random()}|${generation ?? ""}|${dueMs}`;
  const fireAtMs = more.fireAtMs ?? Math.max(dueMs + jitterOf(seed, jitterMs), nowMs);
  const id = newEntryId(fireAtMs, shard, runtime.random);
  return { id, definition, dueMs, name, generation: spec.kind === "at" ? undefined : generation, previousId };
}

/** The entry as it is once it was put. */
function entryOf(entry: NewEntry): Entry {
  return decodeEntry(entry.id, newEntryUpdate(entry).set as Record<string, string | number>);
}

/**
 * Puts an entry so that it can't be lost any more.
 *
 * Cost: 1 WCU for each KB; 2 WCU the first time that this process sees its minute; 2 RCU if that is within ten minutes.
 */
export async function putEntry(context: ChangeContext, entry: NewEntry): Promise<Entry> {
  const place = placeOf(entry.id);
  await ensureMinute(context, place);
  // Nobody else has this id: one that is there already was put by an earlier send.
  const update = newEntryUpdate(entry);
  await untilCertain(context, entry.id, () => context.storage.update(update, context.signal));
  await lookBack(context, place);
  return tell(context, entry);
}

/** Tells those in this process who fire of an entry that was put. */
export function tell(context: ChangeContext, entry: NewEntry): Entry {
  const put = entryOf(entry);
  for (const listener of context.onEntry) listener(put);
  return put;
}
