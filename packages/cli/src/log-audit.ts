import { type AuditReport, auditLog, type LateCommit, type MissingVersions } from "@tuppence/core";
import { type Command, defineCommand } from "./shell/command.ts";
import { wholeNumber } from "./shell/usage-error.ts";

const MINUTE_MS = 60_000;

/** `tuppence log audit` */
export const audit: Command = defineCommand({
  description: "Compare the global log with the streams; fails if an event is missing or there twice",
  args: {
    repair: { type: "boolean", description: "Put what is missing to the log's end" },
    "grace-minutes": {
      type: "string",
      description: "Leave commits younger than this to the sequencer (default 10)",
      valueHint: "n",
    },
  },
  async run({ repair = false, ...args }, { client, tablePrefix, output, signal }) {
    const graceMinutes = wholeNumber("grace-minutes", args["grace-minutes"], 0);
    const report = await auditLog({
      client,
      tablePrefix,
      repair,
      graceMs: graceMinutes === undefined ? undefined : graceMinutes * MINUTE_MS,
      onProgress: ({ positions, streams }) =>
        output.showProgress(`${positions} events in the log, ${streams} streams compared`),
      signal,
    }).finally(() => output.showProgress());
    if (output.json) await output.writeJson(report);
    else for (const line of describeReport(report)) await output.writeLine(line);
    if (report.repeated.length > 0) throw new LogRepeatsError(report.repeated.length);
    if (!repair && report.missing.length > 0) throw new LogIncompleteError(countEvents(report.missing));
  },
});

function describeReport(report: AuditReport): readonly string[] {
  const { positions, streams, missing, truncated, outOfOrder, repeated, repaired, capacity } = report;
  return [
    `positions     ${positions}`,
    `streams       ${streams} compared`,
    ...describeMissing("missing       ", missing),
    ...(truncated.length > 0 ? describeMissing("truncated     ", truncated) : []),
    ...describePlaces("out of order  ", outOfOrder),
    ...describePlaces("repeated      ", repeated),
    ...(repaired > 0 ? [`repaired      ${count(repaired, "event")}, put to the log's end`] : []),
    `consumed      ${count(capacity.readUnits, "read unit")}, ${count(capacity.writeUnits, "write unit")}`,
  ];
}

/** How many events, and a line for each stream. */
function describeMissing(title: string, missing: readonly MissingVersions[]): readonly string[] {
  if (missing.length === 0) return [`${title}none`];
  const ranges = new Map<string, MissingVersions[]>();
  for (const { streamId, first, last } of missing) {
    ranges.set(streamId, [...(ranges.get(streamId) ?? []), { streamId, first, last }]);
  }
  return [
    `${title}${count(countEvents(missing), "event")} of ${count(ranges.size, "stream")}`,
    ...[...ranges].map(([streamId, own]) => `  ${streamId}  ${own.map(describeRange).join(", ")}`),
  ];
}

function describeRange({ first, last }: MissingVersions): string {
  return first === last ? `version ${first}` : `versions ${first} to ${last}`;
}

/** How many commits, and a line for each. */
function describePlaces(title: string, places: readonly LateCommit[]): readonly string[] {
  if (places.length === 0) return [`${title}none`];
  return [
    `${title}${count(places.length, "commit")}`,
    ...places.map(
      ({ streamId, version, position }) => `  ${streamId}  version ${version} at position ${position}`,
    ),
  ];
}

function countEvents(missing: readonly MissingVersions[]): number {
  return missing.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/** Events of the streams are not in the log. */
class LogIncompleteError extends Error {
  override readonly name = "LogIncompleteError";
  readonly code = "logIncomplete";
  readonly retryable = false;

  constructor(events: number) {
    super(`The log lacks ${count(events, "event")}; --repair puts what is missing to its end.`);
  }
}

/** The log was changed by something else than this library. */
class LogRepeatsError extends Error {
  override readonly name = "LogRepeatsError";
  readonly code = "logRepeats";
  readonly retryable = false;

  constructor(commits: number) {
    super(`The log has ${count(commits, "commit")} more than once.`);
  }
}
