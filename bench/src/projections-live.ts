import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore, DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { createDynamoDBProjectionStorage } from "@tuppence/projections";
import { createLogWorker, type StreamWorker } from "@tuppence/stream-adapter";
import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import { type Database, openDatabase } from "./databases.ts";
import { measureDelays } from "./live-delays.ts";
import type { Figures } from "./measure.ts";
import { permitProjection } from "./permit-documents.ts";
import { oneByOne, readPermits } from "./permit-events.ts";
import { runProjection } from "./projection-run.ts";
import { openMeteredStorage } from "./projection-storage.ts";
import { formatFigureTable } from "./table.ts";

/** Appends a second. */
const RATE = 20;
const LIVE_SECONDS = 20;

/** How often the end of the log is looked at, in milliseconds: the default, and as soon as possible. */
const POLL_INTERVALS_MS = [200, 20];

const HEADINGS = {
  logP50Ms: "log p50 ms",
  logP99Ms: "log p99 ms",
  p50Ms: "visible p50 ms",
  p99Ms: "visible p99 ms",
  maxMs: "max ms",
  documentUnits: "documents, WU/event",
  checkpointUnits: "checkpoints, WU/event",
  upkeepUnits: "leases, WU/minute",
};

/** How long events take from the end of their append into the log, and from there into documents. */
export async function measureProjectionDelay(
  local: DynamoDBLocal,
  { tell }: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const results: (ScenarioResult & { readonly ours: Figures })[] = [];
  for (const pollIntervalMs of POLL_INTERVALS_MS) {
    const name = `live, ${RATE} appends/s, pollIntervalMs ${pollIntervalMs}`;
    results.push({ name, units: HEADINGS, ours: await run(local, pollIntervalMs) });
  }
  const rows = results.map(({ name, ours }) => ({ label: name, figures: ours }));
  tell(formatFigureTable({ title: `append to document, ${LIVE_SECONDS} s`, headings: HEADINGS, rows }));
  return results;
}

async function run(local: DynamoDBLocal, pollIntervalMs: number): Promise<Figures> {
  using database = await openDatabase(local);
  using metered = openMeteredStorage(database);
  const { storage, takeCosts } = metered;
  await storage.ensureTables();
  await using log = await startLog(database);
  const projection = permitProjection("live", ["case", "one"]);
  await using running = runProjection(database, projection, { storage, pollIntervalMs });
  await running.next((event) => event.type === "caughtUp" && event.position >= log.end);
  takeCosts();
  const startedAt = performance.now();
  const commits = oneByOne(await readPermits(1)).slice(0, RATE * LIVE_SECONDS);
  const delays = await measureDelays(database, {
    rate: RATE,
    commits,
    partitions: LIVE_PARTITIONS.slice(0, 1),
    logEnd: log.end,
  });
  const minutes = (performance.now() - startedAt) / 60_000;
  const costs = takeCosts();
  return {
    ...delays,
    documentUnits: costs.documentWriteUnits / commits.length,
    checkpointUnits: costs.checkpointWriteUnits / commits.length,
    upkeepUnits: costs.upkeepWriteUnits / minutes,
  };
}

/** The documents of the first and second build of the projection `live`. */
export const LIVE_PARTITIONS: readonly string[] = ["live@1|0", "live@2|0"];

export interface RunningLog extends AsyncDisposable {
  /** Where the log ended once it was seen to work. */
  readonly end: number;
}

/** Starts what puts events into the log, and waits until it does. */
export async function startLog({ client, connection }: Database): Promise<RunningLog> {
  const streams = new DynamoDBStreamsClient(connection);
  const worker: StreamWorker = createLogWorker({ client, streams });
  await worker.ensureTables();
  await createDynamoDBProjectionStorage(client, DEFAULT_TABLE_PREFIX).ensureTables();
  worker.start();
  const store = createEventStore({ client });
  const { version } = await store.append("warm-up|1", [{ type: "Begun", data: {} }]);
  const end = await store.waitFor("warm-up|1", version, { timeoutMs: 120_000 });
  return {
    end,
    async [Symbol.asyncDispose]() {
      await worker.stop();
      streams.destroy();
    },
  };
}
