import type { Consistency } from "@tuppence/core";
import type { ControlItem } from "@tuppence/core/leases";
import type { ScheduleItems } from "../storage/schedule-storage.ts";
import { type Entry, decodeEntry } from "./entry.ts";
import { duePartition, entryKey } from "./keys.ts";

interface Reading {
  readonly storage: ScheduleItems;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Entries of a minute, in order of time, each page when it is wanted.
 *
 * Cost: 1 RCU for each 4 KB, half of it eventually consistent.
 */
export async function* readEntries(
  { storage, signal }: Reading,
  minute: {
    readonly shard: number;
    readonly minute: number;
    /** Sort keys, both inclusive. */
    readonly from?: string | undefined;
    readonly to?: string | undefined;
    readonly consistency: Consistency;
    /** Which ones, as they are stored. Default: all. */
    readonly isWanted?: ((id: string, item: ControlItem) => boolean) | undefined;
  },
): AsyncGenerator<Entry> {
  const { shard, from, to, consistency, isWanted = (): boolean => true } = minute;
  const partition = duePartition(shard, minute.minute);
  let after: string | undefined;
  for (;;) {
    const { items, more } = await storage.query({ partition, from, to, after, consistency, signal });
    for (const [id, item] of items) if (isWanted(id, item)) yield decodeEntry(id, item);
    after = items.at(-1)?.[0] ?? after;
    if (!more) return;
  }
}

/** An entry as it is now. Cost: 1 RCU for each 4 KB. */
export async function findEntry({ storage, signal }: Reading, id: string): Promise<Entry | undefined> {
  const item = await storage.find(entryKey(id), signal);
  // Without a definition it is none.
  return item?.["d"] === undefined ? undefined : decodeEntry(id, item);
}
