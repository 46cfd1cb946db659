import pMap from "p-map";
import type { SchedulerContext } from "../context.ts";
import { type Entry, type EntryState, isEntryOver } from "../entries/entry.ts";
import { namePartition, NAME_PARTITIONS } from "../entries/keys.ts";
import { findEntry, readEntries } from "../entries/read-entries.ts";
import { minuteOf } from "../minutes/minute.ts";
import { decodeNamed } from "../names/named-schedule.ts";
import type { Schedule } from "../schedule.ts";
import { readOpenMinutes } from "../drain/ring.ts";
import { findSchedule, namedScheduleOf, scheduleOf } from "./find-schedule.ts";

export interface ListOptions {
  /**
   * Occurrences that may fire from this time on, both inclusive. With a `from` in the past what is over is found as well, while it is kept.
   * Default: all that there is to be done, whatever its time.
   */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Only those of this group. */
  readonly group?: string | undefined;
  /** Only those with a name that begins like this, in order of their names. */
  readonly namePrefix?: string | undefined;
  /** Only those that are one of these. Default: all that are not over. */
  readonly states?: readonly EntryState[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Listing = SchedulerContext & { readonly signal?: AbortSignal | undefined };

/** The last character that a name can have, for the end of a prefix. */
const LAST_CHARACTER = "\u{10ffff}";

/** By time, or by name if a prefix is given; each minute is read when it is wanted. */
export async function* listSchedules(
  context: Listing,
  options: ListOptions,
  shards: () => Promise<number>,
): AsyncGenerator<Schedule> {
  const { group, namePrefix, states } = options;
  const isWanted = (schedule: Schedule, entry: Entry): boolean =>
    (group === undefined || schedule.group === group) &&
    (states === undefined
      ? !isEntryOver(entry) || schedule.state === "paused"
      : states.includes(schedule.state));
  if (namePrefix !== undefined) return yield* listByName(context, { ...options, namePrefix }, isWanted);
  yield* listByTime(context, options, { shards: await shards(), isWanted });
}

async function* listByTime(
  context: Listing,
  { from, to }: ListOptions,
  {
    shards,
    isWanted,
  }: { readonly shards: number; readonly isWanted: (schedule: Schedule, entry: Entry) => boolean },
): AsyncGenerator<Schedule> {
  const fromMs = from?.getTime();
  const toMs = to?.getTime();
  const all = Array.from({ length: shards }, (_, shard) => shard);
  for (const minute of await minutesOf(context, { fromMs, toMs, all })) {
    const found = await pMap(all, (shard) => entriesOf(context, shard, minute));
    for (const entry of found.flat().toSorted((one, other) => one.fireAtMs - other.fireAtMs)) {
      const isIn = entry.fireAtMs >= (fromMs ?? 0) && entry.fireAtMs <= (toMs ?? Number.POSITIVE_INFINITY);
      const schedule = scheduleOf(entry);
      if (isIn && isWanted(schedule, entry)) yield schedule;
    }
  }
}

/** The minutes that are open, and of the past all. */
async function minutesOf(
  context: Listing,
  {
    fromMs,
    toMs = Number.POSITIVE_INFINITY,
    all,
  }: {
    readonly fromMs?: number | undefined;
    readonly toMs?: number | undefined;
    readonly all: readonly number[];
  },
): Promise<readonly number[]> {
  const untilMs = Number.isFinite(toMs) ? toMs : undefined;
  const open = await pMap(all, (shard) =>
    readOpenMinutes(context, shard, { fromMs, untilMs, consistency: "strong" }),
  );
  const minutes = new Set(open.flat().map(({ minute }) => minute));
  const nowMs = context.runtime.now();
  if (fromMs !== undefined) {
    for (let minute = minuteOf(fromMs); minute <= minuteOf(Math.min(nowMs, toMs)); minute++)
      minutes.add(minute);
  }
  return [...minutes].toSorted((one, other) => one - other);
}

async function entriesOf(context: Listing, shard: number, minute: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of readEntries(context, { shard, minute, consistency: "strong" }))
    entries.push(entry);
  return entries;
}

async function* listByName(
  context: Listing,
  { namePrefix, from, to }: ListOptions & { readonly namePrefix: string },
  isWanted: (schedule: Schedule, entry: Entry) => boolean,
): AsyncGenerator<Schedule> {
  for await (const name of mergedNames(context, namePrefix)) {
    const { named, entry } = await findSchedule(context, name);
    if (named === undefined || entry === undefined) continue;
    const schedule = namedScheduleOf(named, entry);
    const isIn =
      (from === undefined || entry.fireAtMs >= from.getTime()) &&
      (to === undefined || entry.fireAtMs <= to.getTime());
    if (isIn && isWanted(schedule, entry)) yield schedule;
  }
}

/** Names with a prefix, in order, from all the partitions that they are spread over. */
export async function* mergedNames(context: Listing, prefix: string): AsyncGenerator<string> {
  const sources = Array.from({ length: NAME_PARTITIONS }, (_, index) => namesIn(context, index, prefix));
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let first: number | undefined;
    for (const [index, head] of heads.entries()) {
      const best = first === undefined ? undefined : heads[first];
      if (head.done !== true && (best === undefined || compareNames(head.value, String(best.value)) < 0))
        first = index;
    }
    if (first === undefined) return;
    yield String(heads[first]?.value);
    const source = sources[first];
    if (source !== undefined) heads[first] = await source.next();
  }
}

async function* namesIn(context: Listing, index: number, prefix: string): AsyncGenerator<string, undefined> {
  const { storage, signal } = context;
  const range = {
    partition: namePartition(index),
    from: prefix === "" ? undefined : prefix,
    to: prefix === "" ? undefined : prefix + LAST_CHARACTER,
  };
  let after: string | undefined;
  for (;;) {
    const { items, more } = await storage.query({ ...range, after, consistency: "strong", signal });
    for (const [name] of items) yield name;
    if (!more) return undefined;
    after = items.at(-1)?.[0] ?? after;
  }
}

/** As DynamoDB does: by the bytes of UTF-8. */
function compareNames(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Names of series that are paused: they have no occurrence by which they would be found. */
export async function* pausedSeries(context: Listing, group: string | undefined): AsyncGenerator<string> {
  for (let index = 0; index < NAME_PARTITIONS; index++) {
    for await (const name of namesIn(context, index, "")) {
      const { items } = await context.storage.query({
        partition: namePartition(index),
        from: name,
        to: name,
        consistency: "strong",
        signal: context.signal,
      });
      const item = items[0]?.[1];
      const named = item && decodeNamed(name, item);
      if (named?.state === "paused" && (group === undefined || named.definition.group === group)) yield name;
    }
  }
}

/** What a schedule has done, from its latest occurrence back, while that is kept. */
export async function* historyOf(context: Listing, idOrName: string): AsyncGenerator<Schedule> {
  let { entry } = await findSchedule(context, idOrName);
  while (entry !== undefined) {
    yield scheduleOf(entry);
    entry = entry.previousId === undefined ? undefined : await findEntry(context, entry.previousId);
  }
}
