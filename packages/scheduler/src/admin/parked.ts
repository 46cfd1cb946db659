import type { ControlItem } from "@tuppence/core/leases";
import { parkedKey, parkedPartition } from "../entries/keys.ts";
import type { Entry } from "../entries/entry.ts";
import { findEntry } from "../entries/read-entries.ts";
import { ScheduleMissingError, ScheduleStateError } from "../errors.ts";
import { type ChangeContext, changeEntry } from "../firing/change-entry.ts";
import { lookBack } from "../minutes/open-minute.ts";
import { untilCertain } from "../storage/certain-writes.ts";

/** An entry that is parked, or was not long ago, and what says so. */
interface ParkedEntry {
  readonly entry: Entry;
  readonly pointer: ControlItem;
}

/** All that is parked, by shards and times. Cost: 1 RCU for each 4 KB of pointers (some 50), and 1 for each entry. */
export async function* parkedEntries(context: ChangeContext, shards: number): AsyncGenerator<ParkedEntry> {
  const { storage, signal } = context;
  for (let shard = 0; shard < shards; shard++) {
    let after: string | undefined;
    for (;;) {
      const range = { partition: parkedPartition(shard), after, consistency: "strong", signal } as const;
      const { items, more } = await storage.query(range);
      for (const [id, pointer] of items) {
        const entry = await findEntry(context, id);
        if (entry !== undefined) yield { entry, pointer };
      }
      if (!more) break;
      after = items.at(-1)?.[0] ?? after;
    }
  }
}

/**
 * Lets what is parked be fired again, as often as at first.
 *
 * @throws ScheduleMissingError, ScheduleStateError
 */
export async function replayOne(context: ChangeContext, id: string): Promise<void> {
  const entry = await findEntry(context, id);
  if (entry === undefined) throw new ScheduleMissingError(id);
  const pointer = await context.storage.find(parkedKey(id), context.signal);
  if (entry.state !== "parked" && (entry.state !== "pending" || pointer === undefined)) {
    throw new ScheduleStateError(id, entry.state, "parked");
  }
  await replay(context, { entry, pointer });
}

/** Answers whether it was parked. */
export async function replay(
  context: ChangeContext,
  { entry, pointer }: { readonly entry: Entry; readonly pointer: ControlItem | undefined },
): Promise<boolean> {
  const { storage, signal, onEntry } = context;
  const change = { state: "pending", failures: 0, endedAtMs: undefined } as const;
  const pending = entry.state === "parked" ? await changeEntry(context, entry, { change }) : undefined;
  // Whoever asked for it before may not have got so far.
  await lookBack(context, entry);
  if (pointer !== undefined) {
    const removal = { delete: parkedKey(entry.id), where: { at: pointer["at"] } };
    await untilCertain(context, entry.id, () => storage.transact([removal], [], signal));
  }
  if (pending === undefined) return false;
  for (const listener of onEntry) listener(pending);
  return true;
}
