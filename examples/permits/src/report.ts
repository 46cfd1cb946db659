import type { Capacity } from "@tuppence/core";
import { bold, count, type Output, writeLine } from "./output.ts";
import { statusOf } from "./permit-state.ts";
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

export interface Consumption {
  readonly adding: Capacity;
  readonly loggingAndFollowing: Capacity;
  /** Building both read models, and one of them anew. */
  readonly projecting: Capacity;
  readonly readingStreams: Capacity;
  readonly readingLog: Capacity;
  /** How many events were added. */
  readonly added: number;
}

/** Shows what the run consumed. */
export function reportConsumption(output: Output, { added, ...consumption }: Consumption): void {
  const { adding, loggingAndFollowing, projecting, readingStreams, readingLog } = consumption;
  const forEach = (total: number): string => (total / added).toFixed(2);
  const perEvent = (capacity: Capacity): readonly (readonly string[])[] =>
    added > 0 ? [["  for each of them", ...units(capacity).map(forEach)]] : [];
  writeTable(
    output,
    ["DynamoDB", "requests", "write units", "read units"],
    [
      [added > 0 ? "adding the events" : "finding what is there", ...units(adding).map(count)],
      ...perEvent(adding),
      ["logging and following", ...units(loggingAndFollowing).map(count)],
      ...perEvent(loggingAndFollowing),
      ["two read models, one rebuilt", ...units(projecting).map(count)],
      ...perEvent(projecting),
      ["reading all streams", ...units(readingStreams).map(count)],
      ["reading the log", ...units(readingLog).map(count)],
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
