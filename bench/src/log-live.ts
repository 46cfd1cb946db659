import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore, createSequencer } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { createStreamWorker, type StreamWorker } from "@tuppence/stream-adapter";
import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import { consumedBy, type Database, openDatabase } from "./databases.ts";
import { type Figures, percentile } from "./measure.ts";
import { oneByOne, type PermitCommit, readPermits } from "./permit-events.ts";
import { formatFigureTable } from "./table.ts";

/** Appends a second. */
const RATES = [50, 2];
const LIVE_SECONDS = 20;
/** As long nothing is appended; GetRecords are counted after the first seconds, when the worker has slowed down. */
const IDLE_SECONDS = 20;
const SETTLE_SECONDS = 5;

/** How often a reader looks whether an event is in the log, in milliseconds: it adds half of this to the delay. */
const LOOK_MS = 10;

const HEADINGS = {
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  maxMs: "max ms",
  writeUnits: "worker's write units/event",
  getRecords: "GetRecords/s",
  idleGetRecords: "GetRecords/idle minute",
};

/** How long events take from the end of their append into the log, through a worker that polls the table's stream. */
export async function measureLive(
  local: DynamoDBLocal,
  { tell }: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const commits = oneByOne(await readPermits(1));
  for (const rate of RATES) {
    const appends = commits.slice(0, rate * LIVE_SECONDS);
    results.push({
      name: `live, ${rate} appends/s`,
      units: HEADINGS,
      ours: await run(local, rate, appends),
    });
  }
  const rows = results.map(({ name, ours }) => ({ label: name, figures: ours as Figures }));
  const title = `append to log, ${LIVE_SECONDS} s`;
  tell(formatFigureTable({ title, headings: HEADINGS, rows }));
  return results;
}

async function run(local: DynamoDBLocal, rate: number, commits: readonly PermitCommit[]): Promise<Figures> {
  using database = await openDatabase(local);
  using working = database.reopen({});
  const streams = new DynamoDBStreamsClient(database.connection);
  const calls = countGetRecords(streams);
  const worker = logWorker(working, streams);
  await worker.ensureTables();
  worker.start();
  try {
    await untilWorking(database);
    calls.reset();
    const { consumed, result } = await consumedBy(working, () => appendAndFollow(database, rate, commits));
    const getRecords = calls.reset() / LIVE_SECONDS;
    await sleep(SETTLE_SECONDS * 1_000);
    calls.reset();
    await sleep(IDLE_SECONDS * 1_000);
    const idleGetRecords = (calls.reset() / IDLE_SECONDS) * 60;
    return { ...result, writeUnits: consumed.writeUnits / commits.length, getRecords, idleGetRecords };
  } finally {
    await worker.stop();
    streams.destroy();
  }
}

/** Feeds a sequencer from the table's stream. */
function logWorker({ client, tableName }: Database, streams: DynamoDBStreamsClient): StreamWorker {
  const sequencer = createSequencer({ client });
  return createStreamWorker({
    client,
    streams,
    tableName,
    group: "log",
    async handler(records, { signal }) {
      const items = records.flatMap((record) => (record.kind === "commit" ? [record.newImage] : []));
      await sequencer.sequence(items, { signal });
    },
  });
}

function countGetRecords(streams: DynamoDBStreamsClient): { readonly reset: () => number } {
  let calls = 0;
  streams.middlewareStack.add(
    (next, context) => (args) => {
      if (context["commandName"] === "GetRecordsCommand") calls++;
      return next(args);
    },
    { step: "initialize", name: "tuppence-bench-calls" },
  );
  return {
    reset() {
      const counted = calls;
      calls = 0;
      return counted;
    },
  };
}

/** Waits until the worker has found the stream and put an event into the log. */
async function untilWorking({ client }: Database): Promise<void> {
  const store = createEventStore({ client });
  const { version } = await store.append("warm-up|1", [{ type: "Begun", data: {} }]);
  await store.waitFor("warm-up|1", version);
}

/** Appends at a steady rate while a reader notes when each event is in the log. */
async function appendAndFollow(
  { client }: Database,
  rate: number,
  commits: readonly PermitCommit[],
): Promise<Figures> {
  const store = createEventStore({ client });
  const appendedAt = new Map<string, number>();
  const seenAt = new Map<string, number>();
  const follow = async (): Promise<void> => {
    for await (const { events } of store.subscribeAll({ fromPosition: 2, pollIntervalMs: LOOK_MS })) {
      const now = performance.now();
      for (const { streamId, version } of events) seenAt.set(`${version} ${streamId}`, now);
      if (seenAt.size === commits.length) return;
    }
  };
  const append = async ({ streamId, firstVersion, events }: PermitCommit): Promise<void> => {
    await store.append(streamId, events, { expectedVersion: firstVersion - 1 });
    appendedAt.set(`${firstVersion} ${streamId}`, performance.now());
  };
  const beganAt = performance.now();
  const appending = async (): Promise<void> => {
    for (const [index, commit] of commits.entries()) {
      const dueInMs = beganAt + (index * 1_000) / rate - performance.now();
      if (dueInMs > 0) await sleep(dueInMs);
      await append(commit);
    }
  };
  await Promise.all([appending(), follow()]);
  const delays = Array.from(appendedAt, ([event, at]) => Math.max(0, (seenAt.get(event) ?? Number.NaN) - at));
  delays.sort((one, other) => one - other);
  return { p50Ms: percentile(delays, 50), p99Ms: percentile(delays, 99), maxMs: delays.at(-1) ?? Number.NaN };
}
