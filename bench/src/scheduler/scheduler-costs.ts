import { LambdaClient } from "@aws-sdk/client-lambda";
import {
  type Capacity,
  controlTable,
  createEventStore,
  eventsTable,
  meterCapacity,
  SYSTEM_RUNTIME,
} from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { inProcessFunction, startLambdaApi } from "@tuppence/local/lambda";
import { append, call, createScheduler, schedulesTable, type Target } from "@tuppence/scheduler";
import { createBellHandler } from "@tuppence/scheduler/lambda";
import { lambda } from "@tuppence/scheduler/lambda-target";
import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { type Database, openDatabase } from "../databases.ts";
import { type Figures, measure } from "../measure.ts";
import { formatFigureTable } from "../table.ts";

const SCHEDULES = 1_000;
const CONCURRENCY = 16;
const MINUTE_MS = 60_000;

/** How long ago the schedules were due, by the clock of who fires them: their minute is over, and is closed. */
const DUE_AGO_MS = 30 * MINUTE_MS;

const BELL_TIMEOUT_MS = 300_000;

const HEADINGS = {
  createRequests: "create: requests",
  createWriteUnits: "write units",
  createReadUnits: "read units",
  fireRequests: "fire: requests",
  fireWriteUnits: "write units",
  fireReadUnits: "read units",
  writeUnits: "all: write units",
  readUnits: "read units",
  fires: "fires",
};

interface CostScenario {
  readonly name: string;
  readonly label: string;
  /** How long before they are due the schedules are created, in milliseconds. */
  readonly aheadMs: number;
  readonly target: "call" | "append" | "lambda";
}

const SCENARIOS: readonly CostScenario[] = [
  { name: "call", label: "function in the process", aheadMs: 60 * MINUTE_MS, target: "call" },
  { name: "append", label: "append to a stream of its own", aheadMs: 60 * MINUTE_MS, target: "append" },
  { name: "lambda", label: "Lambda", aheadMs: 60 * MINUTE_MS, target: "lambda" },
  { name: "near", label: "Lambda, created within ten minutes", aheadMs: MINUTE_MS, target: "lambda" },
];

/** What a schedule costs from its creation until it is done, fired by a doorbell: with its share of what the minute costs. */
export async function measureCosts(dynamodb: DynamoDBLocal, { tell }: RunOptions): Promise<ScenarioResult> {
  const rows: { readonly name: string; readonly label: string; readonly figures: Figures }[] = [];
  for (const scenario of SCENARIOS) rows.push({ ...scenario, figures: await costsOf(dynamodb, scenario) });
  const title = `a schedule of ${SCHEDULES.toLocaleString("en-US")}, in one minute`;
  tell(formatFigureTable({ title, headings: HEADINGS, rows }));
  return {
    name: "costs",
    units: HEADINGS,
    schedules: SCHEDULES,
    ...Object.fromEntries(rows.map(({ name, figures }) => [name, figures])),
  };
}

async function costsOf(dynamodb: DynamoDBLocal, scenario: CostScenario): Promise<Figures> {
  using database = await openDatabase(dynamodb);
  const fired = new Set<number>();
  await using targets = await targetsOf(database, (index) => fired.add(index));
  const target = targets[scenario.target];
  const createdAgoMs = DUE_AGO_MS + scenario.aheadMs;
  const runtime = { ...SYSTEM_RUNTIME, now: () => Date.now() - createdAgoMs };
  const scheduler = createScheduler({ client: database.client, targets: { target }, runtime, shards: 1 });
  await scheduler.ensureTables();
  const meter = meterAll(database);
  const at = Date.now() - DUE_AGO_MS;
  await measure({ operations: SCHEDULES, concurrency: CONCURRENCY }, (index) =>
    scheduler.schedule({ at, target: "target", payload: { index } }),
  );
  const created = perSchedule(meter.total());
  meter.reset();
  const handler = createBellHandler({ client: database.client, targets: { target } });
  const bells = inProcessFunction({ name: "bells", handler, timeoutMs: BELL_TIMEOUT_MS });
  const { functionError } = await bells.invoke(rungBell(0, Math.floor(at / MINUTE_MS)));
  if (functionError !== undefined) throw new Error(`The doorbell's function failed: ${functionError}.`);
  const done = perSchedule(meter.total());
  return {
    createRequests: created.requests,
    createWriteUnits: created.writeUnits,
    createReadUnits: created.readUnits,
    fireRequests: done.requests,
    fireWriteUnits: done.writeUnits,
    fireReadUnits: done.readUnits,
    writeUnits: created.writeUnits + done.writeUnits,
    readUnits: created.readUnits + done.readUnits,
    fires: fired.size,
  };
}

/** A target of each kind; all of them tell what they were fired for, and write, if they do, by the database's own client. */
async function targetsOf(
  { client }: Database,
  onFire: (index: number) => void,
): Promise<Readonly<Record<CostScenario["target"], Target>> & AsyncDisposable> {
  const told = (payload: unknown): number => {
    const { index } = payload as { readonly index: number };
    onFire(index);
    return index;
  };
  const handler = async (event: unknown): Promise<void> =>
    void told((event as { readonly payload: unknown }).payload);
  const api = await startLambdaApi({ functions: [inProcessFunction({ name: "fire", handler })] });
  const lambdaClient = new LambdaClient(api.clientConfig());
  return {
    call: call(({ payload }) => void told(payload)),
    append: append({
      store: createEventStore({ client }),
      streamId: ({ payload }) => `fired-${told(payload)}`,
      events: ({ payload }) => [{ type: "Fired", data: payload }],
    }),
    lambda: lambda({ client: lambdaClient, functionName: "fire", invocation: "event" }),
    async [Symbol.asyncDispose]() {
      lambdaClient.destroy();
      await api.stop();
    },
  };
}

/** The record of the doorbell of a minute that TTL has removed, as the stream would hold it. */
function rungBell(shard: number, minute: number): object {
  const keys = { p: { S: `BELL|${shard}|${String(minute).padStart(10, "0")}` }, s: { S: "bell" } };
  const ttl = { N: String(((minute + 1) * MINUTE_MS) / 1_000) };
  const userIdentity = { type: "Service", principalId: "dynamodb.amazonaws.com" };
  const dynamodb = { Keys: keys, OldImage: { ...keys, ttl }, SequenceNumber: "1" };
  return { Records: [{ eventName: "REMOVE", userIdentity, dynamodb }] };
}

/** Counts what a database's client consumes, in all tables. */
export function meterAll({ client }: Pick<Database, "client">): ReturnType<typeof meterCapacity> {
  return meterCapacity(client, { tables: [schedulesTable(), controlTable(), eventsTable()] });
}

function perSchedule({ requests, writeUnits, readUnits }: Capacity): Capacity {
  return {
    requests: requests / SCHEDULES,
    writeUnits: writeUnits / SCHEDULES,
    readUnits: readUnits / SCHEDULES,
  };
}
