import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { count, type Output, writeLine } from "./output.ts";
import { permitEvents } from "./permit-events.ts";
import { createProgressBar } from "./progress-bar.ts";
import { type LoggedTask, readReceiptLog } from "./receipt-log.ts";
import { reportConsumption, reportCases } from "./report.ts";
import { type PermitStore, sendTasks, unfinishedTasks } from "./send-tasks.ts";
import { findDifferences, readBack, type StoredCase } from "./verify.ts";

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
  /** How the store and the file differ; empty when the run is verified. */
  readonly differences: readonly string[];
}

/** Sends the whole file through the store, reports what came of it, and checks it. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { output, dataDir, database = "permits" } = options;
  await using server = await startDynamoDBLocal({ dataDir, log: (line) => writeLine(output, line) });
  if (server.source === "endpoint" && dataDir !== undefined) {
    writeLine(output, `That server keeps its data itself: ${dataDir} is not used.`);
  }
  const client = new DynamoDBClient(server.clientConfig(database));
  try {
    const store = createEventStore({ client, events: permitEvents });
    await store.ensureTables();
    return await runOn(client, store, options);
  } finally {
    client.destroy();
  }
}

async function runOn(client: DynamoDBClient, store: PermitStore, options: DemoOptions): Promise<DemoResult> {
  const { output, signal, tasks = await readReceiptLog() } = options;
  writeLine(output, `Building permits: ${count(tasks.length)} tasks of ${period(tasks)}`);
  writeLine(output);

  const meter = meterCapacity(client, { tables: [eventsTable()] });
  const startedAt = performance.now();
  const unfinished = await unfinishedTasks(store, tasks);
  const progressBar = createProgressBar(output, unfinished.length);
  const added = await sendTasks(store, unfinished, { onDone: (done) => progressBar.update(done), signal });
  const seconds = (performance.now() - startedAt) / 1_000;
  const adding = meter.total();
  writeLine(output, addedLine({ added, present: tasks.length - added, seconds }));

  meter.reset();
  const cases = await readBack(store);
  reportCases(output, cases);
  reportConsumption(output, { adding, readingBack: meter.total(), added });

  const differences = findDifferences(cases, tasks);
  writeLine(output);
  writeLine(output, verdict(cases, differences));
  return { added, differences };
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

function verdict(cases: readonly StoredCase[], differences: readonly string[]): string {
  if (differences.length > 0) {
    const more = differences.length - DIFFERENCES_SHOWN;
    return [
      `NOT verified: ${count(differences.length)} differences between the store and the file`,
      ...differences.slice(0, DIFFERENCES_SHOWN),
      ...(more > 0 ? [`and ${count(more)} more`] : []),
    ].join("\n");
  }
  const events = cases.reduce((sum, each) => sum + each.events.length, 0);
  return (
    `verified: ${count(events)} events in ${count(cases.length)} streams, ` +
    "every stream 1..n without a gap, every state equal to a fold of the file"
  );
}
