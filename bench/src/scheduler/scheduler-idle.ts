import { setTimeout as sleep } from "node:timers/promises";
import type { DynamoDBLocal } from "@tuppence/local";
import { inProcessFunction, mappingOptions, startEventSourceMapping } from "@tuppence/local/lambda";
import { call, createScheduler, createSchedulerWorker, schedulesTable } from "@tuppence/scheduler";
import { bellEventSourceMapping, createBellHandler } from "@tuppence/scheduler/lambda";
import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { type Database, openEmptyDatabase } from "../databases.ts";
import type { Figures } from "../measure.ts";
import { formatFigureTable } from "../table.ts";
import { meterAll } from "./scheduler-costs.ts";

/** What goes by the clock is measured for so long, once the workers share the shards, in seconds. */
const SECONDS = 30;
const SETTLE_SECONDS = 20;

const HEADINGS = {
  requests: "requests an hour",
  readUnits: "read units an hour",
  writeUnits: "write units an hour",
};

const targets = { fire: call(() => undefined) };

/** What is consumed while there is nothing to fire: a schedule waits for tomorrow. */
export async function measureIdle(dynamodb: DynamoDBLocal, { tell }: RunOptions): Promise<ScenarioResult> {
  const sides = [
    { name: "bells", label: "doorbells alone", run: bellsIdle },
    { name: "oneWorker", label: "1 worker", run: (database: Database) => workersIdle(database, 1) },
    { name: "threeWorkers", label: "3 workers", run: (database: Database) => workersIdle(database, 3) },
  ];
  // What goes by the clock costs the same beside others.
  const rows = await Promise.all(
    sides.map(async ({ name, label, run }) => {
      using database = openEmptyDatabase(dynamodb);
      const scheduler = createScheduler({ client: database.client, targets });
      await scheduler.ensureTables();
      await scheduler.schedule({ in: "1d", target: "fire" });
      return { name, label, figures: await run(database) };
    }),
  );
  tell(formatFigureTable({ title: `idle, in ${SECONDS} s`, headings: HEADINGS, rows }));
  return {
    name: "idle",
    units: HEADINGS,
    seconds: SECONDS,
    ...Object.fromEntries(rows.map(({ name, figures }) => [name, figures])),
  };
}

/** What reads the stream is Lambda's own, and free. */
async function bellsIdle(database: Database): Promise<Figures> {
  const handler = createBellHandler({ client: database.client, targets });
  const mapping = await startEventSourceMapping({
    config: database.connection,
    tableName: String(schedulesTable().TableName),
    function: inProcessFunction({ name: "bells", handler }),
    ...mappingOptions(bellEventSourceMapping()),
  });
  const figures = await anHour(database);
  await mapping.stop();
  return figures;
}

async function workersIdle(database: Database, count: number): Promise<Figures> {
  const { client } = database;
  const workers = Array.from({ length: count }, () => createSchedulerWorker({ client, targets }));
  for (const worker of workers) worker.start();
  await sleep(SETTLE_SECONDS * 1_000);
  const figures = await anHour(database);
  await Promise.all(workers.map((worker) => worker.stop()));
  return figures;
}

async function anHour(database: Database): Promise<Figures> {
  const meter = meterAll(database);
  await sleep(SECONDS * 1_000);
  const { requests, readUnits, writeUnits } = meter.total();
  meter.detach();
  const scale = 3_600 / SECONDS;
  return { requests: requests * scale, readUnits: readUnits * scale, writeUnits: writeUnits * scale };
}
