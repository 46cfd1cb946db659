import type { Occurrence } from "./target.ts";

/**
 * What functions, buses and queues of AWS get of an occurrence: a Lambda function as its event, EventBridge as `Detail`, SQS as the
 * message's body.
 */
export interface OccurrenceEvent<Payload = unknown> {
  /** The same each time that the occurrence is delivered: drop duplicates by it, `dropDuplicates` does. */
  readonly occurrenceId: string;
  /** Absent without one. */
  readonly scheduleName?: string | undefined;
  /** Absent without one. */
  readonly group?: string | undefined;
  /** When it was scheduled for, without jitter: ISO 8601. */
  readonly dueAt: string;
  /** The first moment at which it could fire, jitter included: ISO 8601. */
  readonly fireAt: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** Absent without one. */
  readonly payload: Payload;
}

export function occurrenceEvent(occurrence: Occurrence): OccurrenceEvent {
  const { id, name, group, dueAt, fireAt, attempt, payload } = occurrence;
  return {
    occurrenceId: id,
    ...(name === undefined ? undefined : { scheduleName: name }),
    ...(group === undefined ? undefined : { group }),
    dueAt: dueAt.toISOString(),
    fireAt: fireAt.toISOString(),
    attempt,
    payload,
  };
}
