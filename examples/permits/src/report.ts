import type { Capacity } from "@tuppence/core";
import type { StoredDeadlines } from "./deadlines.ts";
import { percentile } from "./follow-log.ts";
import { DECISION } from "./letters.ts";
import { bold, count, type Output, writeLine } from "./output.ts";
import { statusOf } from "./permit-state.ts";
import type { Letters } from "./verify-letters.ts";
import type { LoggedPermitEvent } from "./verify-log.ts";
import type { ReadModels } from "./verify-read-models.ts";
import type { StoredCase } from "./verify.ts";

const TOP = 5;
const DAY_MS = 86_400_000;

/** Shows what is in the store: cases by state, the busiest employees, the longest cases. */
export function reportCases(output: Output, cases: readonly StoredCase[]): void {
  writeTable(output, ["Cases by state", "cases"], ranked(cases.map(({ state }) => statusOf(state))));

  const employees = ranked(cases.flatMap(({ events }) => events.map(({ data }) => data.employee)));
  writeTable(output, ["Busiest employees", "events"], employees.slice(0, TOP));

  const longest = [...cases].sort((one, other) => days(other) - days(one)).slice(0, TOP);
  writeTable(
    output,
    ["Longest cases", "days", "events", "state"],
    longest.map((each) => [
      each.streamId,
      days(each).toFixed(1),
      count(each.events.length),
      statusOf(each.state),
    ]),
  );
}

/** Shows what is in the read models: open cases by department, and who did most in a week. */
export function reportReadModels(output: Output, { openCases, workDone }: ReadModels): void {
  writeTable(
    output,
    ["Departments", "received", "open"],
    [...openCases].map(([department, { received, open }]) => [
      department,
      count(received),
      count(Object.keys(open).length),
    ]),
  );
  const busiest = [...workDone].sort(([, one], [, other]) => other.tasks - one.tasks).slice(0, TOP);
  writeTable(
    output,
    ["Busiest weeks", "week", "tasks"],
    busiest.map(([key, { tasks }]) => [...key.split("|"), count(tasks)]),
  );
}

/** Shows who has sent the letters, and how long after the decisions. */
export function reportLetters(output: Output, { sent }: Letters, logged: readonly LoggedPermitEvent[]): void {
  const decidedAt = new Map(
    logged.filter(({ type }) => type === DECISION).map(({ streamId, recordedAt }) => [streamId, recordedAt]),
  );
  const decisions = [...decidedAt.keys()];
  const rows = [...sent].map(([group, letters]) => {
    const inOrder = letters.filter(({ letter }, index) => letter.permit === decisions[index]);
    const delays = letters.map(
      ({ letter, sentAt }) => sentAt - (decidedAt.get(letter.permit)?.getTime() ?? sentAt),
    );
    const seconds = (share: number): string => `${(percentile(delays, share) / 1_000).toFixed(1)} s`;
    return [group, count(letters.length), count(inOrder.length), seconds(0.5), seconds(0.99)];
  });
  const header = ["Letters", "sent", "in the order of decision", "median delay", "99th percentile"];
  writeTable(output, header, rows);
}

/** Shows the deadlines of each department: those that were kept, those that passed, and those to come. */
export function reportDeadlines(
  output: Output,
  { schedules }: StoredDeadlines,
  cases: readonly StoredCase[],
): void {
  const decided = new Set(
    cases.filter(({ state }) => state.advice.phase === "decided").map(({ streamId }) => streamId),
  );
  const departments = new Map<
    string,
    Record<"cases" | "kept" | "passed" | "decidedSince" | "toCome", number>
  >();
  for (const [permit, { state, group = "" }] of schedules) {
    const counts = departments.get(group) ?? { cases: 0, kept: 0, passed: 0, decidedSince: 0, toCome: 0 };
    departments.set(group, counts);
    counts.cases += 1;
    if (state === "cancelled") counts.kept += 1;
    if (state === "fired") counts.passed += 1;
    if (state === "fired" && decided.has(permit)) counts.decidedSince += 1;
    if (state === "pending") counts.toCome += 1;
  }
  const rows = [...departments].toSorted(([one], [other]) => (one < other ? -1 : 1));
  writeTable(
    output,
    ["Deadlines", "cases", "kept", "passed", "decided since", "to come"],
    rows.map(([department, counts]) => [department, ...Object.values(counts).map(count)]),
  );
}

export interface Consumption {
  readonly adding: Capacity;
  readonly loggingAndFollowing: Capacity;
  /** Building both read models, and one of them anew. */
  readonly projecting: Capacity;
  /** Enqueuing the letters, and sending them in all groups. */
  readonly sendingLetters: Capacity;
  readonly watchingDeadlines: Capacity;
  readonly readingStreams: Capacity;
  readonly readingLog: Capacity;
  /** How many events were added. */
  readonly added: number;
  readonly letters: number;
  readonly deadlines: number;
}

/** Shows what the run consumed. */
export function reportConsumption(
  output: Output,
  { added, letters, deadlines, ...consumption }: Consumption,
): void {
  const { adding, loggingAndFollowing, projecting, sendingLetters, watchingDeadlines } = consumption;
  const { readingStreams, readingLog } = consumption;
  const row = (what: string, capacity: Capacity, things?: number): readonly (readonly string[])[] => [
    [what, ...units(capacity).map(count)],
    // Of a run that added nothing it says nothing.
    ...(things !== undefined && added > 0
      ? [["  for each of them", ...units(capacity).map((total) => (total / things).toFixed(2))]]
      : []),
  ];
  writeTable(
    output,
    ["DynamoDB", "requests", "write units", "read units"],
    [
      ...row(added > 0 ? "adding the events" : "finding what is there", adding, added),
      ...row("logging and following", loggingAndFollowing, added),
      ...row("two read models, one rebuilt", projecting, added),
      ...row("letters, sent by two groups", sendingLetters, letters),
      ...row("deadlines", watchingDeadlines, deadlines),
      ...row("reading all streams", readingStreams),
      ...row("reading the log", readingLog),
    ],
  );
}

function units({ requests, writeUnits, readUnits }: Capacity): readonly number[] {
  return [requests, writeUnits, readUnits];
}

/** How often each value occurs, the most frequent first. */
function ranked(values: readonly string[]): readonly (readonly [string, string])[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one).map(([value, times]) => [value, count(times)]);
}

function days({ state }: StoredCase): number {
  return (Date.parse(`${state.lastAt}Z`) - Date.parse(`${state.receivedAt}Z`)) / DAY_MS;
}

/** Aligns the columns: what begins with a digit to the right, all else to the left. */
function writeTable(output: Output, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const numeric = header.map((_, column) => /^\d/.test(rows[0]?.[column] ?? ""));
  const align = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return numeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("   ")
      .trimEnd();
  writeLine(output);
  writeLine(output, bold(output, align(header)));
  for (const row of rows) writeLine(output, align(row));
}
