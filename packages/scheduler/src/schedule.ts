import type { EntryState } from "./entries/entry.ts";
import type { RetryPolicy } from "./definition.ts";
import type { ScheduleSpec } from "./recurrence/schedule-spec.ts";
import type { Misfire, RunOverlap } from "./recurrence/series-policy.ts";

export type { EntryState } from "./entries/entry.ts";

/** A schedule as it is read: what it does, and its occurrence that is under way, next, or was the last. */
export interface Schedule {
  /** Of the occurrence. */
  readonly id: string;
  readonly name: string | undefined;
  readonly group: string | undefined;
  /** Of the occurrence; "paused" of a series, which has none then. */
  readonly state: EntryState;
  readonly spec: ScheduleSpec;
  readonly target: string;
  /** Plain JSON; undefined: none. */
  readonly payload: unknown;
  /** When the occurrence is scheduled for, without jitter. */
  readonly dueAt: Date;
  /** The first moment at which it may fire, jitter included. */
  readonly fireAt: Date;
  /** Attempts to fire it that were begun. */
  readonly attempts: number;
  /** When the next attempt is made, after one that failed. */
  readonly retryAt: Date | undefined;
  /** When it was fired, cancelled, skipped or parked. */
  readonly endedAt: Date | undefined;
  /** Why the last attempt failed. */
  readonly reason: string | undefined;
  /** Where the retries, and the runs that were missed or that overlap, are told what to do. */
  readonly retry: RetryPolicy;
  readonly misfire: Misfire;
  readonly overlap: RunOverlap;
}
