import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parse } from "csv-parse/sync";

/** A row of the file as an event's data. */
export type PermitTask = Readonly<Record<string, string>>;

/** A commit of real events, about 530 bytes of JSON each. */
export interface PermitCommit {
  readonly streamId: string;
  readonly firstVersion: number;
  readonly events: readonly PermitEvent[];
}

interface PermitEvent {
  readonly type: string;
  readonly data: PermitTask;
}

const CASE = "case:concept:name";
const TASK = "concept:name";
const TIME = "time:timestamp";

/**
 * The 8,577 tasks of the log of building permits that the npm package pm4js brings along: 1,434 cases of 6 tasks on average.
 * Again and again under other names of cases, as often as `copies` says.
 */
export async function readPermits(copies: number): Promise<readonly PermitTask[]> {
  const path = createRequire(import.meta.url).resolve("pm4js/examples/input_data/receipt.csv");
  const rows = parse<PermitTask>(await readFile(path), { columns: true });
  const inOrder = rows.toSorted((one, other) => (String(one[TIME]) < String(other[TIME]) ? -1 : 1));
  return Array.from({ length: copies }, (_, copy) =>
    inOrder.map((row) => ({ ...row, [CASE]: `${row[CASE]}-${copy}` })),
  ).flat();
}

/** One commit for each task, in the order of time. */
export function oneByOne(tasks: readonly PermitTask[]): readonly PermitCommit[] {
  const versions = new Map<string, number>();
  return tasks.map((task) => {
    const streamId = streamOf(task);
    const firstVersion = (versions.get(streamId) ?? 0) + 1;
    versions.set(streamId, firstVersion);
    return { streamId, firstVersion, events: [eventOf(task)] };
  });
}

/** One commit for each case. */
export function caseByCase(tasks: readonly PermitTask[]): readonly PermitCommit[] {
  const cases = new Map<string, PermitEvent[]>();
  for (const task of tasks) {
    const streamId = streamOf(task);
    const events = cases.get(streamId);
    if (events === undefined) cases.set(streamId, [eventOf(task)]);
    else events.push(eventOf(task));
  }
  return Array.from(cases, ([streamId, events]) => ({ streamId, firstVersion: 1, events }));
}

function streamOf(task: PermitTask): string {
  return `permit|${task[CASE]}`;
}

function eventOf(task: PermitTask): PermitEvent {
  return { type: String(task[TASK]), data: task };
}
