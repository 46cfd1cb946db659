import type { ControlUpdate } from "@tuppence/core/leases";
import type { SchedulerContext } from "../context.ts";
import { type Entry, type EntryChange, entryAfter, entryUpdate, type NewEntry } from "../entries/entry.ts";
import { placeOf } from "../entries/entry-id.ts";
import { ensureMinute, tokenOf } from "../minutes/open-minute.ts";
import { transactWithToken, updateWithToken } from "../storage/certain-writes.ts";

export interface Change {
  readonly change: EntryChange;
  /** Changes that are made with it, or none. Default: none. */
  readonly also?: readonly ControlUpdate[] | undefined;
  /** Made whatever the entry has become, to see what conditions are for. */
  readonly isLoose?: boolean | undefined;
}

export type ChangeContext = SchedulerContext & { readonly signal?: AbortSignal | undefined };

/**
 * Changes an entry that is still as it was seen. Answers what it is then; undefined when it is something else, or one of the other changes was
 * refused.
 *
 * Cost: 1 WCU for each KB; with others twice that for each of them.
 */
export async function changeEntry(
  context: ChangeContext,
  seen: Entry,
  { change, also = [], isLoose = false }: Change,
): Promise<Entry | undefined> {
  const token = tokenOf(context);
  const { key, where, set } = entryUpdate(seen, token, change);
  const update = { key, where: isLoose ? {} : where, set: { ...set, tk: token } };
  if (also.length === 0) {
    const { applied } = await updateWithToken(context, update);
    return applied ? entryAfter(seen, token, change) : undefined;
  }
  const refused = await transactWithToken(context, [update, ...also]);
  return refused.length === 0 ? entryAfter(seen, token, change) : undefined;
}

/** Opens the minute of an entry that is about to be put. */
export async function prepareFollower(context: ChangeContext, { id }: Pick<NewEntry, "id">): Promise<void> {
  await ensureMinute(context, placeOf(id));
}
