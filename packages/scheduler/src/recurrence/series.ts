import { latestOccurrences } from "./latest-occurrences.ts";
import { nextOccurrence } from "./next-occurrence.ts";
import type { ScheduleSpec } from "./schedule-spec.ts";
import type { Misfire, RunOverlap } from "./series-policy.ts";

/**
 * How a series goes on: pure functions of what is stored with an occurrence, so that whoever reckons it again, after a crash say,
 * comes to the same.
 */

/** An occurrence of a series that somebody begins to run. */
export interface Run {
  readonly spec: ScheduleSpec;
  readonly misfire: Misfire;
  /** The scheduled time, without jitter, in epoch milliseconds. */
  readonly dueMs: number;
  /** When the run was begun the first time. */
  readonly startedAtMs: number;
  /** When the run before ended, if this one waited for that: see `bufferOne`. */
  readonly bufferedAtMs?: number | undefined;
}

/** What is to be done with an occurrence, and which is the next one. */
export interface RunStart {
  /** False when it is too late for it by the policy for misfires. */
  readonly fires: boolean;
  /** The next occurrence, but for what comes while this one runs; undefined when the series is at its end. */
  readonly nextDueMs: number | undefined;
}

/** Decides about an occurrence when it is about to be run the first time. */
export function startOfRun(run: Run): RunStart {
  const { spec, misfire, dueMs, startedAtMs, bufferedAtMs } = run;
  if (bufferedAtMs !== undefined) return { fires: true, nextDueMs: nextOccurrence(spec, bufferedAtMs) };
  const { policy, graceMs, max } = misfire;
  // From here on occurrences are in time.
  const inTimeFromMs = startedAtMs - graceMs;
  if (dueMs >= inTimeFromMs || (policy === "fireAll" && max === undefined)) {
    return { fires: true, nextDueMs: nextOccurrence(spec, dueMs) };
  }
  if (policy !== "fireAll" || max === undefined) {
    return { fires: policy === "fireOnce", nextDueMs: nextOccurrence(spec, inTimeFromMs - 1) };
  }
  const [firstToFire = dueMs] = latestOccurrences(spec, { fromMs: dueMs, beforeMs: inTimeFromMs, max });
  return firstToFire <= dueMs
    ? { fires: true, nextDueMs: nextOccurrence(spec, dueMs) }
    : { fires: false, nextDueMs: firstToFire };
}

/** The occurrence after a run. */
export interface Successor {
  /** Its scheduled time, without jitter, in epoch milliseconds. */
  readonly dueMs: number;
  /** To be stored with it, and given to `startOfRun`. */
  readonly bufferedAtMs?: number | undefined;
}

/**
 * The occurrence that is to be made when a run has ended, whatever it came to; undefined when the series is at its end. With
 * `allow` it is the same as when the run began, and is to be made then.
 */
export function successorOf(
  run: Run & { readonly overlap: RunOverlap; readonly finishedAtMs: number },
): Successor | undefined {
  const { spec, startedAtMs, finishedAtMs, overlap } = run;
  const { fires, nextDueMs } = startOfRun(run);
  if (nextDueMs === undefined) return undefined;
  const cameMeanwhile = fires && nextDueMs > startedAtMs && nextDueMs <= finishedAtMs;
  if (overlap === "allow" || !cameMeanwhile) return { dueMs: nextDueMs };
  if (overlap === "bufferOne") return { dueMs: nextDueMs, bufferedAtMs: finishedAtMs };
  const dueMs = nextOccurrence(spec, finishedAtMs);
  return dueMs === undefined ? undefined : { dueMs };
}
