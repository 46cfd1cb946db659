import { occurrenceAfter } from "./occurrence-after.ts";
import { MAX_DUE_MS, type ScheduleSpec } from "./schedule-spec.ts";
import { wallTimesOfCron } from "./wall-times.ts";

/**
 * The first occurrence of a schedule after a time, in epoch milliseconds; undefined when there is none. Occurrences are where they
 * are, whenever one asks: given the scheduled time of one, never the present time, a series neither drifts nor forks.
 */
export function nextOccurrence(spec: ScheduleSpec, afterMs: number): number | undefined {
  const next = unboundedNext(spec, afterMs);
  return next !== undefined && next <= MAX_DUE_MS ? next : undefined;
}

/** The first occurrence of a schedule that is made now. What is to be once is, even if its time has passed. */
export function firstOccurrence(spec: ScheduleSpec, nowMs: number): number | undefined {
  return spec.kind === "at" ? spec.dueMs : nextOccurrence(spec, nowMs);
}

function unboundedNext(spec: ScheduleSpec, afterMs: number): number | undefined {
  switch (spec.kind) {
    case "at":
      return afterMs < spec.dueMs ? spec.dueMs : undefined;
    case "every": {
      const { anchorMs, everyMs } = spec;
      return anchorMs + Math.max(0, Math.floor((afterMs - anchorMs) / everyMs) + 1) * everyMs;
    }
    case "cron": {
      const { cron, timeZone, dst } = spec;
      return occurrenceAfter({ walls: wallTimesOfCron(cron), timeZone, dst }, afterMs);
    }
  }
}
