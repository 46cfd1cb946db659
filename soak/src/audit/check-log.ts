import { isDeepStrictEqual } from "node:util";
import { auditLog, type LoggedEvent, type RecordedEvent } from "@tuppence/core";
import type { OpenPlace } from "../place.ts";
import { nameOf } from "./check-streams.ts";
import type { Problems } from "./problems.ts";

/** Holds the log against the streams: each event once, each stream in order, and the parts of a transaction together. Answers its length. */
export async function checkLog(
  { store, client, tablePrefix }: OpenPlace,
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  problems: Problems,
): Promise<number> {
  const log: LoggedEvent[] = [];
  try {
    for await (const event of store.readAll({ consistency: "strong" })) log.push(event);
  } catch (error) {
    problems.add("log incomplete", `it ends behind ${log.length}: ${String(error)}`);
  }
  const report = await auditLog({ client, tablePrefix, graceMs: 0 });
  for (const missing of [...report.missing, ...report.truncated]) {
    problems.add("log incomplete", `audit: ${JSON.stringify(missing)}`);
  }
  for (const late of report.outOfOrder) problems.add("log out of order", `audit: ${JSON.stringify(late)}`);
  for (const repeated of report.repeated) problems.add("logged twice", `audit: ${JSON.stringify(repeated)}`);

  const positions = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const [index, event] of log.entries()) {
    const { position, streamId, version } = event;
    const name = nameOf(event);
    if (position !== index + 1) problems.add("log incomplete", `${name} at ${position}, not ${index + 1}`);
    if (positions.has(name)) problems.add("logged twice", `${name} at ${positions.get(name)}, ${position}`);
    else {
      if (version !== (ends.get(streamId) ?? 0) + 1)
        problems.add("log out of order", `${name} at ${position}`);
      ends.set(streamId, Math.max(version, ends.get(streamId) ?? 0));
      positions.set(name, position);
    }
    const { position: _, ...logged } = event;
    if (!isDeepStrictEqual(logged, streams.get(streamId)?.[version - 1]))
      problems.add("event changed", `${name} is another one in the log`);
  }
  for (const event of [...streams.values()].flat()) {
    if (!positions.has(nameOf(event))) problems.add("log incomplete", `${nameOf(event)} is not there`);
  }
  checkTransactions(log, problems);
  return log.length;
}

/** Between the events of one commit is no other one. */
function checkTransactions(log: readonly LoggedEvent[], problems: Problems): void {
  const ended = new Set<string>();
  let current = "";
  for (const event of log) {
    const [commitId = ""] = event.eventId.split("/");
    if (commitId === current) continue;
    ended.add(current);
    if (ended.has(commitId)) problems.add("part of a transaction", `${nameOf(event)} is apart in the log`);
    current = commitId;
  }
}
