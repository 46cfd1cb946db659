import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, ensureTables, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { feedLog, type LogFeed } from "./feed-log.ts";
import { followLog, type FollowedLog, percentile } from "./follow-log.ts";
import { count, type Output, writeLine } from "./output.ts";
import { permitEvents } from "./permit-events.ts";
import { createProgressBar } from "./progress-bar.ts";
import { type LoggedTask, readReceiptLog } from "./receipt-log.ts";
import { workDone } from "./read-models.ts";
import { reportCases, reportConsumption, reportReadModels } from "./report.ts";
import { type ProjectionRun, readReadModels, rebuild, runProjections } from "./run-projections.ts";
import { type PermitStore, sendTasks, unfinishedTasks } from "./send-tasks.ts";
import { findDifferences, readBack, type StoredCase } from "./verify.ts";
import { findLogDifferences, type LoggedPermitEvent } from "./verify-log.ts";
import { findReadModelDifferences, type ReadModels } from "./verify-read-models.ts";

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
  /** How the file, the streams, the log and the read models differ; empty when the run is verified. */
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
    await using readModels = await runProjections(config);
    return await runOn(client, { log, readModels }, options);
  } finally {
    client.destroy();
  }
}

/** What goes on in the background. */
interface Background {
  readonly log: LogFeed;
  readonly readModels: ProjectionRun;
}

async function runOn(
  client: DynamoDBClient,
  background: Background,
  options: DemoOptions,
): Promise<DemoResult> {
  const { log, readModels } = background;
  const { output, tasks = await readReceiptLog() } = options;
  writeLine(output, `Building permits: ${count(tasks.length)} tasks of ${period(tasks)}`);
  writeLine(output);

  const store = createEventStore({ client, events: permitEvents });
  const meter = meterCapacity(client, { tables: [eventsTable()] });
  const sent = await sendAndFollow(store, background, { ...options, tasks });
  const { added } = sent;
  writeLine(output, addedLine({ added, present: tasks.length - added, seconds: sent.seconds }));
  const pages = log.meter.calls.filter(({ operation, error }) => operation === "PutItem" && !error).length;
  writeLine(output, loggedLine({ ...sent, pages, events: tasks.length }));
  writeLine(output, rebuiltLine(sent));

  const adding = meter.total();
  const loggingAndFollowing = log.meter.total();
  const projecting = readModels.meter.total();
  meter.reset();
  const cases = await readBack(store);
  const readingStreams = meter.total();
  meter.reset();
  const logged: LoggedPermitEvent[] = [];
  for await (const event of store.readAll({ consistency: "strong" })) logged.push(event);
  const readingLog = meter.total();
  const stored = await readReadModels(readModels);
  reportCases(output, cases);
  reportReadModels(output, stored);
  reportConsumption(output, {
    added,
    adding,
    loggingAndFollowing,
    projecting,
    readingStreams,
    readingLog,
  });

  const differences = [
    ...findDifferences(cases, tasks),
    ...findLogDifferences(logged, cases),
    ...findReadModelDifferences(stored, tasks),
  ];
  writeLine(output);
  writeLine(output, verdict({ cases, stored }, differences));
  return { added, differences };
}

interface Sent {
  readonly added: number;
  /** How long that took. */
  readonly seconds: number;
  readonly followed: FollowedLog;
  /** How long after the last append the log's reader had seen all, and after that the read models. */
  readonly secondsBehind: number;
  readonly secondsToReadModels: number;
  readonly rebuilt: Rebuilt;
}

/** A rebuild beside the live read model. */
interface Rebuilt {
  readonly seconds: number;
  /** How many events were added meanwhile. */
  readonly addedMeanwhile: number;
}

/**
 * Sends what is not in the store yet, and follows the log meanwhile, until that has everything; for the last part of it, a read model is
 * built anew at the same time.
 */
async function sendAndFollow(
  store: PermitStore,
  background: Background,
  options: DemoOptions & { readonly tasks: readonly LoggedTask[] },
): Promise<Sent> {
  const { output, tasks, signal } = options;
  const { log, readModels } = background;
  const ended = new AbortController();
  const failedOrEnded = AbortSignal.any([ended.signal, log.failed]);
  const following = followLog(log.store, { events: tasks.length, signal: failedOrEnded });
  // It is awaited when all is sent; should it fail before, that must not count as unhandled.
  following.catch(() => undefined);
  let patience: NodeJS.Timeout | undefined;
  try {
    const startedAt = performance.now();
    const unfinished = await unfinishedTasks(store, tasks);
    const present = tasks.length - unfinished.length;
    const firstPart = Math.floor(unfinished.length * SHARE_BEFORE_REBUILD);
    const bar = createProgressBar(output, { what: "added", total: tasks.length, from: present });
    const added = await sendTasks(store, unfinished.slice(0, firstPart), {
      onDone: (done) => bar.update(present + done),
      signal,
    });
    bar.leave();
    const rest = await sendDuringRebuild(store, unfinished.slice(firstPart), {
      ...options,
      readModels,
      onDone: (done) => bar.update(present + firstPart + done),
    });
    bar.leave();
    const sentAt = performance.now();
    patience = setTimeout(() => ended.abort(), LOG_PATIENCE_MS);
    const followed = await following;
    log.failed.throwIfAborted();
    const followedAt = performance.now();
    await readModels.reached(followed.position, failedOrEnded);
    return {
      added: added + rest.added,
      seconds: (sentAt - startedAt) / 1_000,
      followed,
      secondsBehind: (followedAt - sentAt) / 1_000,
      secondsToReadModels: (performance.now() - followedAt) / 1_000,
      rebuilt: { seconds: rest.rebuildSeconds, addedMeanwhile: rest.addedMeanwhile },
    };
  } finally {
    clearTimeout(patience);
    ended.abort();
  }
}

/** How much is sent before the read model of work done is built anew. */
const SHARE_BEFORE_REBUILD = 0.6;

/** Two bars can't be drawn at once: `onDone` is told how many are sent when the rebuild is done, and from then on. */
async function sendDuringRebuild(
  store: PermitStore,
  tasks: readonly LoggedTask[],
  {
    output,
    signal,
    readModels,
    onDone,
  }: DemoOptions & { readonly readModels: ProjectionRun; readonly onDone: (done: number) => void },
): Promise<{
  readonly added: number;
  readonly rebuildSeconds: number;
  readonly addedMeanwhile: number;
}> {
  const stopped = new AbortController();
  const either = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
  let sent = 0;
  let isRebuilt = false;
  const onSent = (done: number): void => {
    sent = done;
    if (isRebuilt) onDone(done);
  };
  const sending = sendTasks(store, tasks, { onDone: onSent, signal: either });
  sending.catch(() => undefined);
  try {
    writeLine(output, `building ${workDone.name} anew beside the live one, while events go on coming in`);
    const bar = createProgressBar(output, { what: "rebuilt", total: 1 });
    const rebuildSeconds = await rebuild(readModels.projections, workDone.name, {
      onProgress: ({ done, total }) => bar.update(done, total),
      signal: either,
    });
    bar.leave();
    isRebuilt = true;
    const addedMeanwhile = sent;
    if (sent > 0) onDone(sent);
    return { added: await sending, rebuildSeconds, addedMeanwhile };
  } finally {
    stopped.abort();
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

function rebuiltLine({ rebuilt, secondsToReadModels }: Sent): string {
  const { seconds, addedMeanwhile } = rebuilt;
  const meanwhile = addedMeanwhile === 0 ? "" : `, while ${count(addedMeanwhile)} events were added`;
  return (
    `${workDone.name} built anew and put in place in ${seconds.toFixed(1)} s${meanwhile}; ` +
    `all in the read models ${secondsToReadModels.toFixed(1)} s after the log`
  );
}

function verdict(
  { cases, stored }: { readonly cases: readonly StoredCase[]; readonly stored: ReadModels },
  differences: readonly string[],
): string {
  if (differences.length > 0) {
    const more = differences.length - DIFFERENCES_SHOWN;
    return [
      `NOT verified: ${count(differences.length)} differences between the file, the streams, the log and the read models`,
      ...differences.slice(0, DIFFERENCES_SHOWN),
      ...(more > 0 ? [`and ${count(more)} more`] : []),
    ].join("\n");
  }
  const events = count(cases.reduce((sum, each) => sum + each.events.length, 0));
  return [
    `verified: ${events} events in ${count(cases.length)} streams, every stream 1..n without a gap, ` +
      "every state equal to a fold of the file",
    `verified: positions 1..${events} of the log without a gap, every event once, every stream in its order`,
    `verified: ${count(stored.openCases.size)} departments and ${count(stored.workDone.size)} weeks of employees, ` +
      "every document equal to a fold of the file",
  ].join("\n");
}
