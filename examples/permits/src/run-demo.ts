import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, ensureTables, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { feedLog, type LogFeed } from "./feed-log.ts";
import { followLog, type FollowedLog, percentile } from "./follow-log.ts";
import { count, type Output, writeLine } from "./output.ts";
import { permitEvents } from "./permit-events.ts";
import { createProgressBar } from "./progress-bar.ts";
import { type LoggedTask, readReceiptLog } from "./receipt-log.ts";
import { reportConsumption, reportCases } from "./report.ts";
import { type PermitStore, sendTasks, unfinishedTasks } from "./send-tasks.ts";
import { findDifferences, readBack, type StoredCase } from "./verify.ts";
import { findLogDifferences, type LoggedPermitEvent } from "./verify-log.ts";

/** How long the log may take for what it does not have yet when all is appended, in milliseconds. */
const LOG_PATIENCE_MS = 120_000;

const DIFFERENCES_SHOWN = 20;

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
  /** How the file, the streams and the log differ; empty when the run is verified. */
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
    return await runOn(client, log, options);
  } finally {
    client.destroy();
  }
}

async function runOn(client: DynamoDBClient, log: LogFeed, options: DemoOptions): Promise<DemoResult> {
  const { output, tasks = await readReceiptLog() } = options;
  writeLine(output, `Building permits: ${count(tasks.length)} tasks of ${period(tasks)}`);
  writeLine(output);

  const store = createEventStore({ client, events: permitEvents });
  const meter = meterCapacity(client, { tables: [eventsTable()] });
  const sent = await sendAndFollow(store, log, { ...options, tasks });
  const { added } = sent;
  writeLine(output, addedLine({ added, present: tasks.length - added, seconds: sent.seconds }));
  const pages = log.meter.calls.filter(({ operation, error }) => operation === "PutItem" && !error).length;
  writeLine(output, loggedLine({ ...sent, pages, events: tasks.length }));

  const adding = meter.total();
  const loggingAndFollowing = log.meter.total();
  meter.reset();
  const cases = await readBack(store);
  const readingStreams = meter.total();
  meter.reset();
  const logged: LoggedPermitEvent[] = [];
  for await (const event of store.readAll({ consistency: "strong" })) logged.push(event);
  const readingLog = meter.total();
  reportCases(output, cases);
  reportConsumption(output, { added, adding, loggingAndFollowing, readingStreams, readingLog });

  const differences = [...findDifferences(cases, tasks), ...findLogDifferences(logged, cases)];
  writeLine(output);
  writeLine(output, verdict(cases, differences));
  return { added, differences };
}

interface Sent {
  readonly added: number;
  /** How long that took. */
  readonly seconds: number;
  readonly followed: FollowedLog;
  /** How long after the last append the log's reader had seen all. */
  readonly secondsBehind: number;
}

/** Sends what is not in the store yet, and follows the log meanwhile, until that has everything. */
async function sendAndFollow(
  store: PermitStore,
  log: LogFeed,
  { output, tasks, signal }: DemoOptions & { readonly tasks: readonly LoggedTask[] },
): Promise<Sent> {
  const ended = new AbortController();
  const following = followLog(log.store, {
    events: tasks.length,
    signal: AbortSignal.any([ended.signal, log.failed]),
  });
  // It is awaited when all is sent; should it fail before, that must not count as unhandled.
  following.catch(() => undefined);
  let patience: NodeJS.Timeout | undefined;
  try {
    const startedAt = performance.now();
    const unfinished = await unfinishedTasks(store, tasks);
    const progressBar = createProgressBar(output, unfinished.length);
    const onDone = (done: number): void => progressBar.update(done);
    const added = await sendTasks(store, unfinished, { onDone, signal });
    const sentAt = performance.now();
    patience = setTimeout(() => ended.abort(), LOG_PATIENCE_MS);
    const followed = await following;
    log.failed.throwIfAborted();
    const secondsBehind = (performance.now() - sentAt) / 1_000;
    return { added, seconds: (sentAt - startedAt) / 1_000, followed, secondsBehind };
  } finally {
    clearTimeout(patience);
    ended.abort();
  }
}

function period(tasks: readonly LoggedTask[]): string {
  const days = [tasks.at(0), tasks.at(-1)].map((task) => task?.command.data.at.slice(0, 10));
  return days.join(" to ");
}

function addedLine(run: {
  readonly added: number;
  readonly present: number;
  readonly seconds: number;
}): string {
  const { added, present, seconds } = run;
  if (added === 0) return `nothing to add: all ${count(present)} events were there`;
  const before = present === 0 ? "" : `${count(present)} events were there; `;
  return `${before}${count(added)} events added in ${seconds.toFixed(1)} s, ${count(added / seconds)} events/s`;
}

function loggedLine({
  followed: { position, delaysMs },
  secondsBehind,
  ...run
}: Pick<Sent, "followed" | "secondsBehind"> & { readonly events: number; readonly pages: number }): string {
  if (position < run.events) {
    return `the log has ${count(position)} events only, ${secondsBehind.toFixed(0)} s later`;
  }
  if (run.pages === 0) return "nothing to log: all were in the log";
  const ms = (share: number): string => `${count(percentile(delaysMs, share))} ms`;
  const delay =
    delaysMs.length === 0 ? "" : `; from commit to reader ${ms(0.5)} (median), ${ms(0.99)} (99th percentile)`;
  return `all in the log ${secondsBehind.toFixed(1)} s later, in ${count(run.pages)} ${run.pages === 1 ? "page" : "pages"}${delay}`;
}

function verdict(cases: readonly StoredCase[], differences: readonly string[]): string {
  if (differences.length > 0) {
    const more = differences.length - DIFFERENCES_SHOWN;
    return [
      `NOT verified: ${count(differences.length)} differences between the file, the streams and the log`,
      ...differences.slice(0, DIFFERENCES_SHOWN),
      ...(more > 0 ? [`and ${count(more)} more`] : []),
    ].join("\n");
  }
  const events = count(cases.reduce((sum, each) => sum + each.events.length, 0));
  return [
    `verified: ${events} events in ${count(cases.length)} streams, every stream 1..n without a gap, ` +
      "every state equal to a fold of the file",
    `verified: positions 1..${events} of the log without a gap, every event once, every stream in its order`,
  ].join("\n");
}
