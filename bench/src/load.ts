import { QueryCommand, PutCommand, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import {
  createEventStore,
  createStateCache,
  type Fold,
  type RecordedEvent,
  snapshotAfter,
} from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import type { Benchmark, RunOptions, ScenarioResult } from "./benchmark.ts";
import { consumedBy, type Database, openDatabase } from "./databases.ts";
import { type Figures, inTurn, measure, medians, ratios } from "./measure.ts";
import { orderEvents } from "./order-events.ts";
import { formatFigureTable } from "./table.ts";

/** Loading the state of a stream: all of it, from a snapshot, what is new in it, and a hand-written Query with a fold. */
export const loadBenchmark: Benchmark = {
  name: "load",
  description:
    "Loads streams of 100, 1,000 and 10,000 events: full, from a snapshot, with a warm cache, and by hand",
  async run(local, options) {
    const results: ScenarioResult[] = [];
    for (const scenario of SCENARIOS) results.push(await compare(local, scenario, options));
    return results;
  },
};

interface LoadScenario {
  readonly name: string;
  readonly events: number;
  /** In each round, of each side; on a slow machine as many as there is time for. */
  readonly loads: number;
}

const SCENARIOS: readonly LoadScenario[] = [
  { name: "100 events", events: 100, loads: 200 },
  { name: "1,000 events", events: 1_000, loads: 40 },
  { name: "10,000 events", events: 10_000, loads: 8 },
];

/** How long a round of a side may take, in seconds. */
const MAX_ROUND_SECONDS = 2;
const STREAM = "order|1";
/** Commits under way at a time while the streams are filled. */
const FILLERS = 16;

/** What a load gives, to see that all sides come to the same. */
interface Totals {
  readonly orders: number;
  readonly cents: number;
}

const TOTALS = {
  initialState: (): Totals => ({ orders: 0, cents: 0 }),
  evolve: ({ orders, cents }: Totals, event: Pick<RecordedEvent, "data">): Totals => ({
    orders: orders + 1,
    cents: cents + (event.data as { totalCents: number }).totalCents,
  }),
};

type Load = () => Promise<Totals>;

/** A side: how it loads, from a database with a stream of so many commits of 1 event. */
interface Side {
  readonly name: string;
  readonly label: string;
  readonly fill: (database: Database, events: number) => Promise<void>;
  readonly open: (database: Database) => Promise<Load>;
}

/** Fills a stream with commits of 1 event; the one with `tail` others after it takes a snapshot, if there is a fold for it. */
function fillOurs(snapshot?: {
  readonly fold: Fold<Totals, RecordedEvent>;
  readonly tail: number;
}): Side["fill"] {
  return async ({ client }, count) => {
    const store = createEventStore({ client });
    const commits = orderEvents(count).map((event, index) => ({
      streamId: STREAM,
      firstVersion: index + 1,
      events: [event] as const,
    }));
    const snapshotAt = snapshot && commits.at(-snapshot.tail - 1);
    if (snapshot === undefined || snapshotAt === undefined) {
      await store.importCommits(commits);
      return;
    }
    const expectedVersion = snapshotAt.firstVersion - 1;
    await store.importCommits(commits.slice(0, expectedVersion));
    const loaded = await store.load(STREAM, { ...snapshot.fold, snapshot: undefined });
    const taken = await store.append(STREAM, snapshotAt.events, {
      expectedVersion,
      snapshot: snapshotAfter(snapshot.fold, loaded),
    });
    if (taken.snapshotVersion !== snapshotAt.firstVersion) throw new Error("No snapshot was taken.");
    await store.importCommits(commits.slice(snapshotAt.firstVersion));
  };
}

/** Where a small state fits into every commit, the newest one has it. */
const SLACK_FOLD: Fold<Totals, RecordedEvent> = { ...TOTALS, snapshot: { version: "1" } };
const SNAPSHOT_EVERY = 100;
/** Where none fits for free: the newest snapshot is half of this back, on average. */
const EVERY_FOLD: Fold<Totals, RecordedEvent> = {
  ...TOTALS,
  snapshot: { version: "1", every: SNAPSHOT_EVERY },
};

function loadsWith(
  fold: Fold<Totals, RecordedEvent>,
  options?: { readonly leanRequests: boolean },
): Side["open"] {
  return async ({ client }) => {
    const store = createEventStore({ client, ...options });
    return async () => (await store.load(STREAM, fold)).state;
  };
}

const SIDES: readonly Side[] = [
  {
    name: "ours",
    label: "ours, full read",
    fill: fillOurs(),
    open: loadsWith(TOTALS),
  },
  {
    name: "oursLean",
    label: "ours, full read, leanRequests",
    fill: fillOurs(),
    open: loadsWith(TOTALS, { leanRequests: true }),
  },
  {
    name: "oursSlack",
    label: "ours, snapshot in the last commit",
    fill: fillOurs({ fold: SLACK_FOLD, tail: 0 }),
    open: loadsWith(SLACK_FOLD),
  },
  {
    name: "oursEvery",
    label: `ours, snapshot ${SNAPSHOT_EVERY / 2} events back`,
    fill: fillOurs({ fold: EVERY_FOLD, tail: SNAPSHOT_EVERY / 2 }),
    open: loadsWith(EVERY_FOLD),
  },
  {
    name: "oursCached",
    label: "ours, warm cache",
    fill: fillOurs(),
    async open({ client }) {
      const store = createEventStore({ client });
      const cache = createStateCache<Totals>();
      await store.load(STREAM, TOTALS, { cache });
      return async () => (await store.load(STREAM, TOTALS, { cache })).state;
    },
  },
  {
    name: "handWritten",
    label: "hand-written Query, JSON in 1 item an event",
    async fill({ client, tableName }, count) {
      const documents = DynamoDBDocumentClient.from(client);
      const events = orderEvents(count);
      await measure({ operations: count, concurrency: FILLERS }, (index) => {
        const Item = {
          p: STREAM,
          s: index + 1,
          type: events[index]?.type,
          data: JSON.stringify(events[index]?.data),
        };
        return documents.send(new PutCommand({ TableName: tableName, Item }));
      });
    },
    async open({ client, tableName }) {
      const documents = DynamoDBDocumentClient.from(client);
      return async () => {
        let state = TOTALS.initialState();
        let ExclusiveStartKey: Record<string, unknown> | undefined;
        do {
          const page = await documents.send(
            new QueryCommand({
              TableName: tableName,
              KeyConditionExpression: "p = :p",
              ExpressionAttributeValues: { ":p": STREAM },
              ConsistentRead: true,
              ExclusiveStartKey,
            }),
          );
          for (const item of page.Items ?? [])
            state = TOTALS.evolve(state, { data: JSON.parse(String(item["data"])) });
          ExclusiveStartKey = page.LastEvaluatedKey;
        } while (ExclusiveStartKey !== undefined);
        return state;
      };
    },
  },
];

const HEADINGS = {
  eventsPerSecond: "events/s",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  cpuMsPerLoad: "CPU ms/load",
  requests: "requests",
  readUnits: "read units",
};

async function compare(
  local: DynamoDBLocal,
  scenario: LoadScenario,
  { rounds, tell }: RunOptions,
): Promise<ScenarioResult> {
  const contenders = await Promise.all(SIDES.map((side) => prepare(side, local, scenario)));
  const runs = await inTurn(
    contenders.map(({ run }) => run),
    rounds,
  );
  for (const contender of contenders) contender[Symbol.dispose]();
  const baseline = runs.at(-1);
  const sides = SIDES.map(({ name, label }, index) => ({ name, label, runs: runs[index] ?? [] }));
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
    ...scenario,
    units: HEADINGS,
    ...Object.fromEntries(sides.map((side) => [side.name, medians(side.runs)])),
    ...Object.fromEntries(compared.map((side) => [`${side.name}Ratio`, ratios(side.runs, baseline)])),
  };
}

interface Contender extends Disposable {
  readonly run: () => Promise<Figures>;
}

/** A side with its own database, filled, warmed up, and metered on a client that is not timed. */
async function prepare(
  side: Side,
  local: DynamoDBLocal,
  { events, loads }: LoadScenario,
): Promise<Contender> {
  using metered = await openDatabase(local);
  await side.fill(metered, events);
  const meteredLoad = await side.open(metered);
  const { consumed, result } = await consumedBy(metered, meteredLoad);
  if (result.orders !== events) throw new Error(`${side.label} loaded ${result.orders} of ${events} events.`);
  const database = metered.reopen({});
  const load = await side.open(database);
  await load();
  return {
    async run() {
      const measured = await measure(
        { operations: loads, concurrency: 1, maxSeconds: MAX_ROUND_SECONDS },
        load,
      );
      return {
        eventsPerSecond: measured.operationsPerSecond * events,
        p50Ms: measured.p50Ms,
        p99Ms: measured.p99Ms,
        cpuMsPerLoad: measured.cpuMsPerOperation,
        requests: consumed.requests,
        readUnits: consumed.readUnits,
      };
    },
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}
