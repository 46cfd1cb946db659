import { createSequencer } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import { bytesIn, consumedBy, type Database, openDatabase } from "./databases.ts";
import { createHandWrittenLog, HAND_WRITTEN_LOG } from "./hand-written-log.ts";
import { fillStreams, type LogSource, SPREADS } from "./log-source.ts";
import { type Figures, inTurn, measure, medians, ratios } from "./measure.ts";
import { formatFigureTable } from "./table.ts";

/** Commits at a time: what a page holds. */
const BATCHES = [100, 1_000];

/** How long a round of a side may take, in seconds. */
const MAX_ROUND_SECONDS = 2;

/** How many batches are metered, with a client that is not timed. */
const METERED_BATCHES = 3;

/** Puts so many commits, from the one given on, into the log. */
type Sequence = (from: number, count: number) => Promise<unknown>;

interface Side {
  readonly name: string;
  readonly label: string;
  /** The log's partition. */
  readonly partition: string;
  /** Commits at a time, where it makes no difference. Default: the scenario's. */
  readonly batch?: number;
  readonly open: (database: Database, source: LogSource) => Sequence;
}

const SIDES: readonly Side[] = [
  {
    name: "ours",
    label: "ours",
    partition: "$all",
    open({ client }, { items }) {
      const sequencer = createSequencer({ client });
      return (from, count) => sequencer.sequence(items.slice(from, from + count));
    },
  },
  {
    name: "handWrittenBatches",
    label: "hand-written, 1 counter update a batch, BatchWriteItem",
    partition: HAND_WRITTEN_LOG,
    open(database, { commits }) {
      const log = createHandWrittenLog(database);
      return (from, count) => log.appendBatches(commits.slice(from, from + count));
    },
  },
  {
    name: "handWrittenEach",
    label: "hand-written, counter update and PutItem an event",
    partition: HAND_WRITTEN_LOG,
    batch: 10,
    open(database, { commits }) {
      const log = createHandWrittenLog(database);
      return (from, count) => log.appendEach(commits.slice(from, from + count));
    },
  },
];

const HEADINGS = {
  eventsPerSecond: "events/s",
  cpuMs: "CPU ms/1,000 events",
  requests: "requests/event",
  writeUnits: "write units/event",
  bytes: "bytes/event",
};

/** How fast commits go from memory into the log, and what that costs: ours, and positions from an atomic counter. */
export async function compareSequencing(
  local: DynamoDBLocal,
  options: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const { name, spread } of SPREADS) {
    using database = await openDatabase(local);
    const source = await fillStreams(database, spread);
    for (const batch of BATCHES) {
      const scenario = { name: `sequencing, ${name}, ${batch.toLocaleString("en-US")} at a time`, batch };
      results.push(await compare(local, { ...scenario, source }, options));
    }
  }
  return results;
}

interface Scenario {
  readonly name: string;
  readonly batch: number;
  readonly source: LogSource;
}

async function compare(
  local: DynamoDBLocal,
  scenario: Scenario,
  { rounds, tell }: RunOptions,
): Promise<ScenarioResult> {
  const contenders: (() => Promise<Figures>)[] = [];
  for (const side of SIDES) contenders.push(await prepare(side, local, scenario));
  const runs = await inTurn(contenders, rounds);
  const sides = SIDES.map(({ name, label }, index) => ({ name, label, runs: runs[index] ?? [] }));
  const [ours, ...baselines] = sides;
  const rows = [
    ...sides.map((side) => ({ label: side.label, figures: medians(side.runs) })),
    ...baselines.map((side) => ({
      label: `ratio to ${side.label}`,
      figures: ratios(ours?.runs, side.runs),
      ratio: true,
    })),
  ];
  tell(formatFigureTable({ title: scenario.name, headings: HEADINGS, rows }));
  return {
    name: scenario.name,
    events: scenario.source.events,
    commitsAtATime: scenario.batch,
    units: HEADINGS,
    ...Object.fromEntries(sides.map((side) => [side.name, medians(side.runs)])),
    ...Object.fromEntries(baselines.map((side) => [`${side.name}Ratio`, ratios(ours?.runs, side.runs)])),
  };
}

/** A side that is warmed up and metered; each of its rounds begins with an empty log. */
async function prepare(
  side: Side,
  local: DynamoDBLocal,
  { source, ...scenario }: Scenario,
): Promise<() => Promise<Figures>> {
  const { batch = scenario.batch } = side;
  const batches = Math.floor(source.commits.length / batch);
  using metered = await openDatabase(local);
  const sequence = side.open(metered, source);
  const { consumed } = await consumedBy(metered, async () => {
    for (let index = 0; index < METERED_BATCHES; index++) await sequence(index * batch, batch);
  });
  const meteredEvents = countEvents(source, METERED_BATCHES * batch);
  const bytes = await bytesIn(metered, side.partition);
  return async () => {
    using database = await openDatabase(local);
    const timed = side.open(database, source);
    const load = { operations: batches, concurrency: 1, maxSeconds: MAX_ROUND_SECONDS };
    let done = 0;
    const measured = await measure(load, async (index) => {
      await timed(index * batch, batch);
      done++;
    });
    const events = countEvents(source, done * batch);
    return {
      eventsPerSecond: events / measured.seconds,
      cpuMs: ((measured.cpuMsPerOperation * done) / events) * 1_000,
      requests: consumed.requests / meteredEvents,
      writeUnits: consumed.writeUnits / meteredEvents,
      bytes: bytes / meteredEvents,
    };
  };
}

/** Of the first commits. */
function countEvents({ commits }: LogSource, first: number): number {
  return commits.slice(0, first).reduce((count, { events }) => count + events.length, 0);
}
