import { type Entry, type EntryState, entryAfter } from "../entries/entry.ts";
import { placeOf } from "../entries/entry-id.ts";
import { lookBack, tokenOf } from "../minutes/open-minute.ts";
import { nameKey } from "../entries/keys.ts";
import { transactWithToken, untilCertain, updateWithToken } from "../storage/certain-writes.ts";
import { type ChangeContext, changeEntry, prepareFollower } from "./change-entry.ts";
import { type Ending, endingWrites, expiryOf, overChange } from "./ending.ts";

/**
 * Ends a run: the entry is over or parked, and of a series the next occurrence is there, in one transaction. Answers "lost" when the entry has become
 * something else meanwhile.
 */
export async function endRun(context: ChangeContext, entry: Entry, ending: Ending): Promise<"done" | "lost"> {
  for (const goesOn of [true, false]) {
    const token = tokenOf(context);
    const { changes, after, next } = endingWrites(context, entry, { ending, token, goesOn });
    if (next !== undefined) await prepareFollower(context, next);
    const [update, ...also] = changes;
    const isAlone = also.length === 0;
    const refused = isAlone
      ? (await updateWithToken(context, update)).applied
        ? []
        : [0]
      : await transactWithToken(context, changes);
    if (refused.length === 0) {
      const now = entryAfter(entry, token, after);
      if (after.nextState !== undefined) return (await handOver(context, now)).kind;
      await closeName(context, now, ending.nowMs);
      return "done";
    }
    if (refused.includes(0)) return "lost";
    // The series was changed meanwhile, and goes on from elsewhere.
  }
  return "lost";
}

/** Looks after the minute of what follows an entry that was fired, and ends the entry then. */
export async function handOver(
  context: ChangeContext,
  entry: Entry,
): Promise<{ readonly kind: "done" | "lost" }> {
  const { nextId, nextState, reason } = entry;
  if (nextId !== undefined) await looksAfter(context, nextId);
  const state = nextState as EntryState;
  const change = overChange(context, entry, { state, nowMs: context.runtime.now(), reason });
  const changed = await changeEntry(context, entry, { change });
  return { kind: changed === undefined ? "lost" : "done" };
}

/** Looks back at the minute of an entry. */
export async function looksAfter(context: ChangeContext, id: string): Promise<void> {
  await lookBack(context, placeOf(id));
}

/** Lets the name of what was for once expire with it. */
export async function closeName(context: ChangeContext, entry: Entry, nowMs: number): Promise<void> {
  const { name, generation, id, state } = entry;
  if (name === undefined || generation !== undefined || state === "parked") return;
  const ttl = expiryOf(context, entry, nowMs);
  const update = { key: nameKey(name), where: { st: "active", x: id }, set: { st: "over", ttl } };
  await untilCertain(context, name, () => context.storage.update(update, context.signal));
}
