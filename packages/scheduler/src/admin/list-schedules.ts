import pMap from "p-map";
import type { SchedulerContext } from "../context.ts";
import { type Entry, type EntryState, isEntryOver } from "../entries/entry.ts";
import { namePartition, NAME_PARTITIONS } from "../entries/keys.ts";
import { findEntry, readEntries } from "../entries/read-entries.ts";
import { minuteOf } from "../minutes/minute.ts";
import { decodeNamed, type NamedSchedule } from "../names/named-schedule.ts";
import type { Schedule } from "../schedule.ts";
import { readOpenMinutes } from "../drain/ring.ts";
import { findEntryOf, findSchedule, namedScheduleOf, scheduleOf } from "./find-schedule.ts";

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

/** Entries of names that are read at a time, and ahead of who lists them. */
const CONCURRENT_READS = 16;

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
  for await (const names of inGroups(listNames(context, namePrefix), CONCURRENT_READS)) {
    const entries = await pMap(names, async (named) => ({ named, entry: await findEntryOf(context, named) }));
    for (const { named, entry } of entries) {
      const schedule = namedScheduleOf(named, entry);
      const isIn =
        entry.fireAtMs >= (from?.getTime() ?? 0) &&
        entry.fireAtMs <= (to?.getTime() ?? Number.POSITIVE_INFINITY);
      if (isIn && isWanted(schedule, entry)) yield schedule;
    }
  }
}

async function* inGroups<Item>(items: AsyncIterable<Item>, size: number): AsyncGenerator<Item[]> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** What has a name that begins like this, in order of names, from all the partitions that they are spread over. */
async function* listNames(context: Listing, prefix: string): AsyncGenerator<NamedSchedule> {
  const sources = Array.from({ length: NAME_PARTITIONS }, (_, index) => namesIn(context, index, prefix));
  const heads = await Promise.all(sources.map(nextOf));
  for (;;) {
    let first: Head | undefined;
    for (const head of heads) {
      if (head.value !== undefined && (first === undefined || isBefore(head, first))) first = head;
    }
    if (first?.value === undefined) return;
    yield first.value;
    first.value = (await nextOf(first.source)).value;
  }
}

interface Head {
  readonly source: AsyncGenerator<NamedSchedule, undefined>;
  value: NamedSchedule | undefined;
}

async function nextOf(source: Head["source"]): Promise<Head> {
  return { source, value: (await source.next()).value };
}

async function* namesIn(
  { storage, signal }: Listing,
  index: number,
  prefix: string,
): AsyncGenerator<NamedSchedule, undefined> {
  const range = {
    partition: namePartition(index),
    from: prefix === "" ? undefined : prefix,
    to: prefix === "" ? undefined : prefix + LAST_CHARACTER,
  };
  let after: string | undefined;
  for (;;) {
    const { items, more } = await storage.query({ ...range, after, consistency: "strong", signal });
    for (const [name, item] of items) yield decodeNamed(name, item);
    if (!more) return undefined;
    after = items.at(-1)?.[0] ?? after;
  }
}

/** As DynamoDB does: by the bytes of UTF-8. */
function isBefore(one: Head, other: Head): boolean {
  return Buffer.compare(Buffer.from(one.value?.name ?? ""), Buffer.from(other.value?.name ?? "")) < 0;
}

/** Series that are paused: they have no occurrence by which they would be found. */
export async function* pausedSeries(
  context: Listing,
  group: string | undefined,
): AsyncGenerator<NamedSchedule> {
  for await (const named of listNames(context, "")) {
    if (named.state === "paused" && (group === undefined || named.definition.group === group)) yield named;
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
