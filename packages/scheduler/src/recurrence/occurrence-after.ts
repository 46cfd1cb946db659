import type { DstPolicy } from "./schedule-spec.ts";
import { type ZoneSpan, zoneSpanAt } from "./time-zone.ts";
import type { WallTimes } from "./wall-times.ts";

/** Times of a wall clock, and how they become moments. */
export interface ZonedTimes {
  readonly walls: WallTimes;
  readonly timeZone: string;
  readonly dst: DstPolicy;
}

/** More than the offsets of all zones are apart, and than any clock was ever moved by, in milliseconds. */
const MAX_SHIFT_MS = 48 * 3_600_000;

/**
 * The first moment after a given one at which a wall clock shows one of the times, in epoch milliseconds. Moments are a set: which one
 * comes next depends on nothing but the time asked from. It goes from one span of an even offset to the next, and far over
 * those in which no time matches.
 */
export function occurrenceAfter(times: ZonedTimes, afterMs: number): number | undefined {
  for (let after = afterMs; ; ) {
    const span = zoneSpanAt(times.timeZone, after + 1);
    const { found, nextWall } = lookInSpan(times, span, after);
    if (found !== undefined) return found;
    const isRepeatedNext = span.offsetAfterMs < span.offsetMs;
    after = span.endMs - 1;
    // Walls that come again after the span's end may be before the next one.
    if (isRepeatedNext) continue;
    if (nextWall === undefined) return undefined;
    after = Math.max(after, nextWall - span.offsetMs - MAX_SHIFT_MS);
  }
}

function lookInSpan(
  { walls, dst }: ZonedTimes,
  span: ZoneSpan,
  afterMs: number,
): { readonly found: number | undefined; readonly nextWall: number | undefined } {
  const { startMs, endMs, offsetBeforeMs, offsetMs, offsetAfterMs } = span;
  // The clock was put back at the start: it shows again what it had shown.
  const skipsRepeated = dst.overlap === "first" && offsetMs < offsetBeforeMs;
  const firstWall = startMs + (skipsRepeated ? offsetBeforeMs : offsetMs);
  // It will be put back at the end: what it shows before comes again.
  const leavesToLast = dst.overlap === "last" && offsetAfterMs < offsetMs;
  const endWall = endMs + (leavesToLast ? offsetAfterMs : offsetMs);
  const nextWall = walls(Math.max(afterMs + offsetMs, firstWall - 1));
  const direct = nextWall !== undefined && nextWall < endWall ? nextWall - offsetMs : undefined;
  if (dst.gap === "skip" || offsetMs <= offsetBeforeMs) return { found: direct, nextWall };
  // The clock was put forward at the start: what it jumped over is as if it had not been.
  const inGap = walls(Math.max(afterMs, startMs - 1) + offsetBeforeMs);
  const shifted = inGap !== undefined && inGap < startMs + offsetMs ? inGap - offsetBeforeMs : undefined;
  const found = Math.min(direct ?? Number.POSITIVE_INFINITY, shifted ?? Number.POSITIVE_INFINITY);
  return { found: Number.isFinite(found) ? found : undefined, nextWall };
}
