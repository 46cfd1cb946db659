import { nextOccurrence } from "./next-occurrence.ts";
import type { ScheduleSpec } from "./schedule-spec.ts";

/**
 * The latest occurrences of a time, `max` at most, in order. However many there were, few are reckoned: the time is halved until it
 * holds about as many as are wanted.
 */
export function latestOccurrences(
  spec: ScheduleSpec,
  time: { readonly fromMs: number; readonly beforeMs: number; readonly max: number },
): readonly number[] {
  const { fromMs, beforeMs, max } = time;
  const enough = 2 * max;
  let low = fromMs;
  let high = beforeMs;
  let found = occurrencesIn(spec, { fromMs: low, beforeMs, atMost: enough + 1 });
  // From `low` on there are too many, from `high` on too few.
  while (found.length > enough && high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const later = occurrencesIn(spec, { fromMs: middle, beforeMs, atMost: enough + 1 });
    if (later.length < max) {
      high = middle;
    } else {
      low = middle;
      found = later;
    }
  }
  return found.slice(-max);
}

function occurrencesIn(
  spec: ScheduleSpec,
  {
    fromMs,
    beforeMs,
    atMost,
  }: { readonly fromMs: number; readonly beforeMs: number; readonly atMost: number },
): readonly number[] {
  const found: number[] = [];
  let next = nextOccurrence(spec, fromMs - 1);
  while (next !== undefined && next < beforeMs && found.length < atMost) {
    found.push(next);
    next = nextOccurrence(spec, next);
  }
  return found;
}
