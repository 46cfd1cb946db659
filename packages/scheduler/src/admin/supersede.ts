import type { ControlUpdate } from "@tuppence/core/leases";
import type { Definition } from "../definition.ts";
import { type Entry, type EntryChange, entryAfter, entryUpdate, newEntryUpdate } from "../entries/entry.ts";
import { placeOf } from "../entries/entry-id.ts";
import { type ChangeContext, prepareFollower } from "../firing/change-entry.ts";
import { handOver } from "../firing/end-run.ts";
import { lookBack, tokenOf } from "../minutes/open-minute.ts";
import { type NamedSchedule, putNamedUpdate } from "../names/named-schedule.ts";
import { transactWithToken } from "../storage/certain-writes.ts";
import { firstEntry, tell } from "./put-entry.ts";
import { type FoundSchedule, passedMsOf } from "./find-schedule.ts";

/** How long the look after the new entry may take until somebody else does it, in milliseconds. */
const MOVING_MS = 30_000;

type TokenUpdate = ControlUpdate & { readonly set: { readonly tk: string } };

/**
 * Puts a new entry in the place of what there is of a schedule, in one transaction. Until the minute of the new one was looked back at, the old one stays
 * claimed: nothing is lost in between. Answers undefined when something was changed meanwhile.
 *
 * Cost: 2 WCU for each of the name, the old entry and the new one; 1 more when there was an old one; and 2 RCU for a minute that is near.
 */
export async function supersede(
  context: ChangeContext,
  found: FoundSchedule & { readonly name: string | undefined },
  {
    definition,
    shards,
    fireAtMs,
    isSame = false,
  }: {
    readonly definition: Definition;
    readonly shards: number;
    readonly fireAtMs?: number | undefined;
    /** Whether the schedule stays the one that it is, and only its time is another. */
    readonly isSame?: boolean | undefined;
  },
): Promise<Entry | undefined> {
  const { named, entry, name } = found;
  const generation = (named?.generation ?? 0) + 1;
  const previousId = entry?.id;
  const passedMs = passedMsOf(context, found);
  const first = firstEntry(context, definition, { shards, name, generation, previousId, passedMs, fireAtMs });
  await prepareFollower(context, first);
  const token = tokenOf(context);
  const isToMove = entry !== undefined && (entry.state === "pending" || entry.state === "paused");
  const moving: EntryChange = {
    state: "claimed",
    claimedUntilMs: context.runtime.now() + MOVING_MS,
    nextState: "moved",
    nextId: first.id,
  };
  const changes: TokenUpdate[] = [];
  if (name !== undefined) {
    const { id: entryId, dueMs } = first;
    const firstGeneration = isSame && named !== undefined ? named.firstGeneration : generation;
    const next: NamedSchedule = {
      name,
      state: "active",
      generation,
      firstGeneration,
      definition,
      dueMs,
      entryId,
      passedMs,
    };
    changes.push(putNamedUpdate(next, named, token));
  }
  if (isToMove) changes.push(withToken(entryUpdate(entry, token, moving), token));
  const [leading, ...others] = changes;
  if (leading === undefined) return undefined;
  const refused = await transactWithToken(context, [leading, ...others, newEntryUpdate(first)]);
  if (refused.length > 0) return undefined;
  await lookBack(context, placeOf(first.id));
  if (isToMove) await handOver(context, entryAfter(entry, token, moving));
  return tell(context, first);
}

function withToken(update: ControlUpdate, token: string): TokenUpdate {
  return { ...update, set: { ...update.set, tk: token } };
}
