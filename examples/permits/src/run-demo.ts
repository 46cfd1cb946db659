import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, ensureTables, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { openDeadlines } from "./deadlines.ts";
import { feedLog } from "./feed-log.ts";
import { enqueueLetters } from "./letters.ts";
import { count, type Output, writeLine } from "./output.ts";
import { permitEvents } from "./permit-events.ts";
import { type LoggedTask, readReceiptLog } from "./receipt-log.ts";
import {
  reportCases,
  reportConsumption,
  reportDeadlines,
  reportLetters,
  reportReadModels,
} from "./report.ts";
import { readReadModels, runProjections } from "./run-projections.ts";
import { type Background, sendAndFollow } from "./send-and-follow.ts";
import { sendLetters } from "./send-letters.ts";
import { summaryLines, verdict } from "./summary.ts";
import { findDifferences, readBack } from "./verify.ts";
import { findDeadlineDifferences } from "./verify-deadlines.ts";
import { findLetterDifferences } from "./verify-letters.ts";
import { findLogDifferences, type LoggedPermitEvent } from "./verify-log.ts";
import { findReadModelDifferences } from "./verify-read-models.ts";

export interface DemoOptions {
  readonly output: Output;
  /** The folder to keep the data in. Default: in memory. */
  readonly dataDir?: string | undefined;
  /** The database on the server: letters and digits. Default `permits`. */
  readonly database?: string | undefined;
  /** Default: the whole file. */
  readonly tasks?: readonly LoggedTask[] | undefined;
  /** Interrupts the run; the next one goes on where it ended. */
  readonly signal?: AbortSignal | undefined;
}

export interface DemoResult {
  /** How many events this run added. */
  readonly added: number;
  /** How the file and all that is stored differ; empty when the run is verified. */
  readonly differences: readonly string[];
}

/** Sends the whole file through the store and its log, reports what came of it, and checks it. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { output, dataDir, database = "permits" } = options;
  await using server = await startDynamoDBLocal({ dataDir, log: (line) => writeLine(output, line) });
  if (server.source === "endpoint" && dataDir !== undefined) {
    writeLine(output, `That server keeps its data itself: ${dataDir} is not used.`);
  }
  const config = server.clientConfig(database);
  const client = new DynamoDBClient(config);
  try {
    await ensureTables({ client });
    await using log = feedLog(config);
    await using letters = await sendLetters(config);
    await using readModels = await runProjections(config, [enqueueLetters(letters.queue)]);
    using deadlines = await openDeadlines(server.clientConfig(deadlineDatabase(database)));
    return await runOn(client, { log, readModels, letters, deadlines }, options);
  } finally {
    client.destroy();
  }
}

/** The database of the deadlines, on the same server. */
export function deadlineDatabase(database: string): string {
  return `${database}deadlines`;
}

async function runOn(
  client: DynamoDBClient,
  background: Background,
  options: DemoOptions,
): Promise<DemoResult> {
  const { log, readModels, letters, deadlines } = background;
  const { output, tasks = await readReceiptLog() } = options;
  writeLine(output, `Building permits: ${count(tasks.length)} tasks of ${period(tasks)}`);
  writeLine(output);

  const store = createEventStore({ client, events: permitEvents });
  const meter = meterCapacity(client, { tables: [eventsTable()] });
  const sent = await sendAndFollow(store, background, { ...options, tasks });
  const { added } = sent;
  const consumed = {
    added,
    adding: meter.total(),
    loggingAndFollowing: log.meter.total(),
    projecting: readModels.meter.total(),
    sendingLetters: letters.meter.total(),
    watchingDeadlines: deadlines.meter.total(),
  };
  const pages = log.meter.calls.filter(({ operation, error }) => operation === "PutItem" && !error).length;

  meter.reset();
  const cases = await readBack(store);
  const readingStreams = meter.total();
  meter.reset();
  const logged: LoggedPermitEvent[] = [];
  for await (const event of store.readAll({ consistency: "strong" })) logged.push(event);
  const readingLog = meter.total();
  const stored = {
    cases,
    readModels: await readReadModels(readModels),
    letters: await letters.read(),
    deadlines: await deadlines.read(),
  };
  const summary = summaryLines(sent, { pages, events: tasks.length, letters: stored.letters });
  for (const line of summary) writeLine(output, line);
  reportCases(output, cases);
  reportReadModels(output, stored.readModels);
  reportLetters(output, stored.letters, logged);
  reportDeadlines(output, stored.deadlines, cases);
  reportConsumption(output, {
    ...consumed,
    readingStreams,
    readingLog,
    letters: stored.letters.enqueued.length,
    deadlines: stored.deadlines.schedules.size,
  });

  const differences = [
    ...findDifferences(cases, tasks),
    ...findLogDifferences(logged, cases),
    ...findReadModelDifferences(stored.readModels, tasks),
    ...findLetterDifferences(stored.letters, logged, tasks),
    ...findDeadlineDifferences(stored.deadlines, tasks),
  ];
  writeLine(output);
  writeLine(output, verdict(stored, differences));
  return { added, differences };
}

function period(tasks: readonly LoggedTask[]): string {
  const days = [tasks.at(0), tasks.at(-1)].map((task) => task?.command.data.at.slice(0, 10));
  return days.join(" to ");
}
