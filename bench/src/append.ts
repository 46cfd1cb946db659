import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import type { Benchmark, RunOptions, ScenarioResult } from "./benchmark.ts";
import { consumedBy, type Database, openDatabase } from "./databases.ts";
import { createHandWrittenStore } from "./hand-written-store.ts";
import { type Figures, inTurn, measure, type Measured, medians, ratios } from "./measure.ts";
import { type OrderEvent, orderEvents } from "./order-events.ts";
import { formatFigureTable } from "./table.ts";

/** Appends to streams whose version is known: ours and a hand-written `PutItem` of the document client. */
export const appendBenchmark: Benchmark = {
  name: "append",
  description: "Appends, ours and a hand-written PutItem in turn: throughput, latency, CPU time, cost",
  async run(local, options) {
    const results: ScenarioResult[] = [];
    for (const scenario of SCENARIOS) results.push(await compare(local, scenario, options));
    return results;
  },
};

interface AppendScenario {
  readonly name: string;
  readonly eventsPerAppend: number;
  /** Appends under way at a time; no stream has more than one of them. */
  readonly concurrency: number;
  readonly streams: number;
  /** In each round, of each side; on a slow machine as many as there is time for. */
  readonly appends: number;
}

const SCENARIOS: readonly AppendScenario[] = [
  { name: "1 event, sequential", eventsPerAppend: 1, concurrency: 1, streams: 1, appends: 1_000 },
  { name: "1 event, 32 at once", eventsPerAppend: 1, concurrency: 32, streams: 200, appends: 3_000 },
  { name: "10 events, sequential", eventsPerAppend: 10, concurrency: 1, streams: 1, appends: 500 },
  { name: "10 events, 32 at once", eventsPerAppend: 10, concurrency: 32, streams: 200, appends: 1_500 },
];

/** How long a round of a side may take, in seconds. */
const MAX_ROUND_SECONDS = 1.5;

/** Appends after a version that is known, and returns the version after that. */
type Append = (streamId: string, events: readonly OrderEvent[], version: number) => Promise<number>;

/** Makes the appends of a contender, in a database of its own. */
interface Side {
  readonly label: string;
  readonly config: DynamoDBClientConfig;
  readonly open: (database: Database) => Append;
}

function openOurs({ client }: Database, leanRequests = false): Append {
  const store = createEventStore({ client, leanRequests });
  return async (streamId, events, expectedVersion) =>
    (await store.append(streamId, events, { expectedVersion })).version;
}

const OURS: Side = { label: "ours", config: {}, open: (database) => openOurs(database) };
const OURS_LEAN: Side = {
  label: "ours, leanRequests",
  config: {},
  open: (database) => openOurs(database, true),
};
/** With the SDK's own option that keeps the middleware of a command; document clients refuse it. */
const OURS_CACHED: Side = { ...OURS, label: "ours, cacheMiddleware", config: { cacheMiddleware: true } };
const HAND_WRITTEN: Side = {
  label: "hand-written",
  config: {},
  open: (database) => createHandWrittenStore(database).append,
};

const HEADINGS = {
  eventsPerSecond: "events/s",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  cpuMsPerAppend: "CPU ms/append",
  requests: "requests/append",
  writeUnits: "write units/append",
};

async function compare(
  local: DynamoDBLocal,
  scenario: AppendScenario,
  { rounds, tell }: RunOptions,
): Promise<ScenarioResult> {
  using ours = await prepare(OURS, local, scenario);
  using cached = await prepare(OURS_CACHED, local, scenario);
  using lean = await prepare(OURS_LEAN, local, scenario);
  using theirs = await prepare(HAND_WRITTEN, local, scenario);
  const [ourRounds, cachedRounds, leanRounds, theirRounds] = await inTurn(
    [ours.run, cached.run, lean.run, theirs.run],
    rounds,
  );
  const result = {
    ours: medians(ourRounds),
    oursCached: medians(cachedRounds),
    oursLean: medians(leanRounds),
    handWritten: medians(theirRounds),
    ratio: ratios(ourRounds, theirRounds),
    ratioCached: ratios(cachedRounds, theirRounds),
    ratioLean: ratios(leanRounds, theirRounds),
  };
  tell(describe(scenario, result));
  return { ...scenario, units: HEADINGS, ...result };
}

interface Contender extends Disposable {
  readonly run: (round: number) => Promise<Figures>;
}

/** A side with its own database: a full round warms up and is metered, on a client that is not timed. */
async function prepare(side: Side, local: DynamoDBLocal, scenario: AppendScenario): Promise<Contender> {
  const { appends, eventsPerAppend } = scenario;
  using metered = await openDatabase(local);
  const meteredAppend = side.open(metered);
  const { consumed } = await consumedBy(metered, () =>
    runAppends(meteredAppend, scenario, { name: "warm-up" }),
  );
  const database = metered.reopen(side.config);
  const append = side.open(database);
  return {
    run: async (round) => {
      const measured = await runAppends(append, scenario, {
        name: `${round}`,
        maxSeconds: MAX_ROUND_SECONDS,
      });
      return {
        eventsPerSecond: measured.operationsPerSecond * eventsPerAppend,
        p50Ms: measured.p50Ms,
        p99Ms: measured.p99Ms,
        cpuMsPerAppend: measured.cpuMsPerOperation,
        requests: consumed.requests / appends,
        writeUnits: consumed.writeUnits / appends,
      };
    },
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}

/** The orders to append, over and over; making them is not measured. */
const ORDERS = orderEvents(1_000);

/** Appends to new streams named after the round. Worker w has the streams w, w + concurrency, … and goes round them. */
async function runAppends(
  append: Append,
  scenario: AppendScenario,
  round: { readonly name: string; readonly maxSeconds?: number },
): Promise<Measured> {
  const { appends, concurrency, streams, eventsPerAppend } = scenario;
  const versions = Array.from({ length: streams }, () => 0);
  return measure({ ...round, operations: appends, concurrency }, async (index, worker) => {
    const ownStreams = Math.ceil((streams - worker) / concurrency);
    const stream = worker + (Math.floor(index / concurrency) % ownStreams) * concurrency;
    const from = (index * eventsPerAppend) % ORDERS.length;
    const events = ORDERS.slice(from, from + eventsPerAppend);
    versions[stream] = await append(`order|${round.name}-${stream}`, events, versions[stream] ?? 0);
  });
}

function describe(
  { name, appends, streams }: AppendScenario,
  result: Readonly<
    Record<
      "ours" | "oursCached" | "oursLean" | "handWritten" | "ratio" | "ratioCached" | "ratioLean",
      Figures
    >
  >,
): string {
  const table = formatFigureTable({
    title: name,
    headings: HEADINGS,
    rows: [
      { label: OURS.label, figures: result.ours },
      { label: OURS_CACHED.label, figures: result.oursCached },
      { label: OURS_LEAN.label, figures: result.oursLean },
      { label: HAND_WRITTEN.label, figures: result.handWritten },
      { label: "ratio", figures: result.ratio, ratio: true },
      { label: "ratio, cacheMiddleware", figures: result.ratioCached, ratio: true },
      { label: "ratio, leanRequests", figures: result.ratioLean, ratio: true },
    ],
  });
  return `${table}\n${appends} appends a round, to ${streams} new stream${streams === 1 ? "" : "s"}`;
}
