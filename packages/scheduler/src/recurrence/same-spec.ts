import type { DstPolicy, ScheduleSpec } from "./schedule-spec.ts";

/**
 * Whether two schedules were asked for in the same words: who makes the same one again under its name gets the one that is there. A
 * time that is counted from the moment of asking, or an interval without an anchor, is the same one later.
 */
export function isSameSpec(one: ScheduleSpec, other: ScheduleSpec): boolean {
  if (one.kind === "at" && other.kind === "at") {
    return one.inMs === undefined && other.inMs === undefined
      ? one.dueMs === other.dueMs
      : one.inMs === other.inMs;
  }
  if (one.kind === "cron" && other.kind === "cron") {
    return one.cron === other.cron && one.timeZone === other.timeZone && isSameDst(one.dst, other.dst);
  }
  if (one.kind === "every" && other.kind === "every") {
    const isSameAnchor = one.isAnchored ? one.anchorMs === other.anchorMs : true;
    return one.everyMs === other.everyMs && one.isAnchored === other.isAnchored && isSameAnchor;
  }
  return false;
}

function isSameDst(one: DstPolicy, other: DstPolicy): boolean {
  return one.gap === other.gap && one.overlap === other.overlap;
}
