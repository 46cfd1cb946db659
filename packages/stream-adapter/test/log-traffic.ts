import { type DynamoDBClient, paginateQuery } from "@aws-sdk/client-dynamodb";
import type { EventStore, LoggedEvent } from "@tuppence/core";

/** Traffic on a store, and what the global log has to be after it. */

export interface Traffic {
  /** Events at least. */
  readonly events: number;
  readonly streams: number;
  readonly eventsPerCommit: number;
  readonly random: () => number;
}

/** What was appended. */
export interface Written {
  events: number;
  /** The ids of each stream's events, by version: the first is at 0. */
  readonly streams: Map<string, string[]>;
  /** The ids of what was appended at once, one list for each append and transaction. */
  readonly commits: string[][];
}

export function nothingWritten(): Written {
  return { events: 0, streams: new Map(), commits: [] };
}

/** Appends events by several writers at once: single appends, several that wait for each other, and transactions. */
export async function write(
  store: EventStore,
  traffic: Traffic,
  written = nothingWritten(),
): Promise<Written> {
  const writers = Array.from({ length: 12 }, async () => {
    while (written.events < traffic.events) await writeOnce(store, traffic, written);
  });
  await Promise.all(writers);
  return written;
}

export async function writeOnce(store: EventStore, traffic: Traffic, written: Written): Promise<void> {
  const { random, streams, eventsPerCommit } = traffic;
  const streamId = (): string => `${random() < 0.5 ? "permit" : "visit"}|${Math.floor(random() * streams)}`;
  const events = Array.from({ length: eventsPerCommit }, (_, number) => ({
    type: "Noted",
    data: { number },
  }));
  const kind = random();
  if (kind < 0.1) {
    const ids = [...new Set([streamId(), streamId(), streamId()])];
    const { appends } = await store.transact(ids.map((id) => ({ streamId: id, events })));
    note(written, appends);
  } else {
    const id = streamId();
    // Those behind the first wait for it, and go into one item.
    const appends = Array.from({ length: kind < 0.3 ? 4 : 1 }, () => store.append(id, events));
    for (const append of await Promise.all(appends)) note(written, [append]);
  }
}

function note(written: Written, appends: readonly Awaited<ReturnType<EventStore["append"]>>[] | Parts): void {
  const commit: string[] = [];
  for (const { streamId, events } of appends) {
    const ids = written.streams.get(streamId) ?? [];
    written.streams.set(streamId, ids);
    for (const { version, eventId } of events) {
      ids[version - 1] = eventId;
      commit.push(eventId);
      written.events += 1;
    }
  }
  written.commits.push(commit);
}

type Parts = Awaited<ReturnType<EventStore["transact"]>>["appends"];

/** The last positions of the log's pages, in order. */
export async function pageEnds(client: DynamoDBClient, tablePrefix: string): Promise<number[]> {
  const ends: number[] = [];
  const pages = paginateQuery(
    { client },
    {
      TableName: `${tablePrefix}-events`,
      ConsistentRead: true,
      KeyConditionExpression: "p = :log",
      ExpressionAttributeValues: { ":log": { S: "$all" } },
      ProjectionExpression: "s, n",
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { s, n } of Items) ends.push(Number(s?.N) + Number(n?.N ?? 1) - 1);
  }
  return ends;
}

export type Place = Pick<LoggedEvent, "position" | "streamId" | "version" | "eventId">;

export async function collect(events: AsyncIterable<LoggedEvent>): Promise<Place[]> {
  const places: Place[] = [];
  for await (const event of events) places.push(placeOf(event));
  return places;
}

export function placeOf({ position, streamId, version, eventId }: LoggedEvent): Place {
  return { position, streamId, version, eventId };
}

/** What is wrong with a log, nothing if nothing is: the first of each kind. */
export function problemsOf(log: readonly Place[], written: Written, ends: readonly number[]): string[] {
  const problems: string[] = [];
  if (log.length !== written.events) problems.push(`${log.length} events of ${written.events}`);
  const hole = log.findIndex(({ position }, index) => position !== index + 1);
  if (hole !== -1) problems.push(`position ${log[hole]?.position} at place ${hole + 1}`);
  const versions = new Map<string, number>();
  const positions = new Map<string, number>();
  for (const { position, streamId, version, eventId } of log) {
    const next = (versions.get(streamId) ?? 0) + 1;
    if (version !== next) {
      problems.push(`position ${position} has version ${version} of ${streamId}, not ${next}`);
      break;
    }
    if (written.streams.get(streamId)?.[version - 1] !== eventId) {
      problems.push(`position ${position} has ${eventId}, which is not version ${version} of ${streamId}`);
      break;
    }
    versions.set(streamId, next);
    positions.set(eventId, position);
  }
  const torn = written.commits.find((commit) => {
    const places = commit.map((id) => positions.get(id) ?? 0);
    const first = Math.min(...places);
    const end = ends.find((last) => last >= first) ?? 0;
    return Math.max(...places) > end;
  });
  if (torn !== undefined) problems.push(`what was appended at once is in several pages: ${torn.join(", ")}`);
  return problems;
}
