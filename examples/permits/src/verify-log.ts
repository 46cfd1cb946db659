import { isDeepStrictEqual } from "node:util";
import type { LoggedEvent, RecordedEventOf } from "@tuppence/core";
import type { permitEvents } from "./permit-events.ts";
import type { StoredCase } from "./verify.ts";

export type LoggedPermitEvent = LoggedEvent<RecordedEventOf<typeof permitEvents>>;

/** Compares the log with the streams; nothing when it has each of their events once, in order, on positions 1..n. */
export function findLogDifferences(
  logged: readonly LoggedPermitEvent[],
  stored: readonly StoredCase[],
): readonly string[] {
  const differences: string[] = [];
  const cases = new Map(stored.map((each) => [each.streamId, each.events]));
  const nextVersions = new Map<string, number>();
  const seen = new Set<string>();
  for (const [index, { position, ...event }] of logged.entries()) {
    const { streamId, version, eventId } = event;
    const place = `position ${position}: version ${version} of ${streamId}`;
    if (position !== index + 1) differences.push(`${place} is in place ${index + 1} of the log`);
    if (seen.has(eventId)) differences.push(`${place} was in the log before`);
    else if (version !== (nextVersions.get(streamId) ?? 1)) differences.push(`${place} is out of order`);
    if (!isDeepStrictEqual(event, cases.get(streamId)?.[version - 1])) {
      differences.push(`${place} is not what the stream has`);
    }
    seen.add(eventId);
    nextVersions.set(streamId, version + 1);
  }
  for (const { streamId, version, eventId } of stored.flatMap(({ events }) => events)) {
    if (!seen.has(eventId)) differences.push(`version ${version} of ${streamId} is not in the log`);
  }
  return differences;
}
