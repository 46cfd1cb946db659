import { brotliDecompressSync } from "node:zlib";
import { paginateQuery } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import { consumedBy, type Database, openDatabase } from "./databases.ts";
import { createHandWrittenLog } from "./hand-written-log.ts";
import { fillLog, fillStreams, type LogSource, SPREADS } from "./log-source.ts";
import { type Figures, inTurn, measure, medians, ratios } from "./measure.ts";
import { formatFigureTable } from "./table.ts";

/** In each round, of each side; on a slow machine as many as there is time for. */
const REPLAYS = 10;

/** How long a round of a side may take, in seconds. */
const MAX_ROUND_SECONDS = 2;

/** Commits in a page. */
const PAGE_COMMITS = 100;

/** Goes through all events, and says how many there were. */
type Replay = () => Promise<number>;

interface Side {
  readonly name: string;
  readonly label: string;
  readonly open: (database: Database) => Replay;
}

const SIDES: readonly Side[] = [
  {
    name: "ours",
    label: "ours, readAll",
    open({ client }) {
      const store = createEventStore({ client });
      return () => count(store.readAll());
    },
  },
  {
    name: "oursLean",
    label: "ours, readAll, leanRequests",
    open({ client }) {
      const store = createEventStore({ client, leanRequests: true });
      return () => count(store.readAll());
    },
  },
  {
    name: "oursSubscribed",
    label: "ours, subscribeAll",
    open({ client }) {
      const store = createEventStore({ client });
      return async () => {
        let events = 0;
        for await (const batch of store.subscribeAll()) {
          events += batch.events.length;
          if (batch.caughtUp) break;
        }
        return events;
      };
    },
  },
  {
    name: "oursStreams",
    label: "ours, stream by stream",
    open({ client }) {
      const store = createEventStore({ client });
      return async () => {
        let events = 0;
        for await (const streamId of store.listStreams("permit")) events += await count(store.read(streamId));
        return events;
      };
    },
  },
  { name: "pages", label: "pages of the log, parsed and nothing else", open: parsePages },
  {
    name: "handWritten",
    label: "hand-written, Query of 1 item an event",
    open: (database) => createHandWrittenLog(database).replay,
  },
];

async function count(events: AsyncIterable<unknown>): Promise<number> {
  let passed = 0;
  for await (const _ of events) passed++;
  return passed;
}

/** What cannot be saved: Query, brotli and JSON.parse. */
function parsePages({ client, tableName }: Database): Replay {
  const query = {
    TableName: tableName,
    KeyConditionExpression: "p = :p",
    ExpressionAttributeValues: { ":p": { S: "$all" } },
  };
  return async () => {
    let events = 0;
    for await (const { Items: items = [] } of paginateQuery({ client }, query)) {
      for (const { e } of items) {
        const text = e?.S ?? brotliDecompressSync(e?.B ?? new Uint8Array()).toString("utf8");
        for (const slice of JSON.parse(text) as (readonly (readonly unknown[])[])[])
          events += slice[4]?.length ?? 0;
      }
    }
    return events;
  };
}

const HEADINGS = {
  eventsPerSecond: "events/s",
  cpuMs: "CPU ms/1,000 events",
  requests: "requests",
  readUnits: "read units/event",
};

/** How fast all events are read again: from our log, from a hand-written one, and stream by stream. */
export async function compareReplays(
  local: DynamoDBLocal,
  options: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const { name, spread } of SPREADS) {
    using database = await openDatabase(local);
    const source = await fillStreams(database, spread);
    await fillLog(database, source, PAGE_COMMITS);
    const log = createHandWrittenLog(database);
    for (let from = 0; from < source.commits.length; from += PAGE_COMMITS)
      await log.appendBatches(source.commits.slice(from, from + PAGE_COMMITS));
    const scenario = `replay, ${name}, pages of ${PAGE_COMMITS}`;
    results.push(await compare({ name: scenario, database, source }, options));
  }
  return results;
}

interface Scenario {
  readonly name: string;
  readonly database: Database;
  readonly source: LogSource;
}

async function compare(scenario: Scenario, { rounds, tell }: RunOptions): Promise<ScenarioResult> {
  const contenders: (() => Promise<Figures>)[] = [];
  for (const side of SIDES) contenders.push(await prepare(side, scenario));
  const runs = await inTurn(contenders, rounds);
  const sides = SIDES.map(({ name, label }, index) => ({ name, label, runs: runs[index] ?? [] }));
  const baseline = runs.at(-1);
  const compared = sides.slice(0, -1);
  const rows = [
    ...sides.map((side) => ({ label: side.label, figures: medians(side.runs) })),
    ...compared.map((side) => ({
      label: `ratio, ${side.label}`,
      figures: ratios(side.runs, baseline),
      ratio: true,
    })),
  ];
  tell(formatFigureTable({ title: scenario.name, headings: HEADINGS, rows }));
  return {
    name: scenario.name,
    events: scenario.source.events,
    units: HEADINGS,
    ...Object.fromEntries(sides.map((side) => [side.name, medians(side.runs)])),
    ...Object.fromEntries(compared.map((side) => [`${side.name}Ratio`, ratios(side.runs, baseline)])),
  };
}

/** A side that is warmed up, and metered on a client that is not timed. */
async function prepare(side: Side, { database, source }: Scenario): Promise<() => Promise<Figures>> {
  using metered = database.reopen({});
  const { consumed, result } = await consumedBy(metered, side.open(metered));
  if (result !== source.events) throw new Error(`${side.label}: ${result} of ${source.events} events.`);
  const replay = side.open(database);
  return async () => {
    const load = { operations: REPLAYS, concurrency: 1, maxSeconds: MAX_ROUND_SECONDS };
    const measured = await measure(load, replay);
    return {
      eventsPerSecond: measured.operationsPerSecond * source.events,
      cpuMs: (measured.cpuMsPerOperation / source.events) * 1_000,
      requests: consumed.requests,
      readUnits: consumed.readUnits / source.events,
    };
  };
}
