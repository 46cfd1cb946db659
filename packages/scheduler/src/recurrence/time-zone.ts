/**
 * Time zones as they are in the runtime's own data: offsets from UTC, and when they change.
 * https://tc39.es/ecma402/#sec-time-zone-names
 */

/** A time in which the clocks of a zone go on evenly: from one change of their offset to the next. */
export interface ZoneSpan {
  /** Epoch milliseconds. */
  readonly startMs: number;
  /** Not in it any more. */
  readonly endMs: number;
  /** What the clocks on the walls are ahead of UTC, in milliseconds: before, in, and after it. */
  readonly offsetBeforeMs: number;
  readonly offsetMs: number;
  readonly offsetAfterMs: number;
}

/** By zone, the span that was asked for last: who goes through occurrences in order stays in one for months. */
const lastSpans = new Map<string, ZoneSpan>();

/** The span that a moment is in. It may be cut at the beginning of a year, with the same offset on both sides. */
export function zoneSpanAt(timeZone: string, timeMs: number): ZoneSpan {
  const last = lastSpans.get(timeZone);
  if (last !== undefined && last.startMs <= timeMs && timeMs < last.endMs) return last;
  const span = findSpan(timeZone, timeMs);
  lastSpans.set(timeZone, span);
  return span;
}

function findSpan(timeZone: string, timeMs: number): ZoneSpan {
  const year = new Date(timeMs).getUTCFullYear();
  const changes = [year - 1, year, year + 1].flatMap((each) => changesOf(timeZone, each));
  const startMs = changes.findLast((change) => change <= timeMs) ?? Date.UTC(year - 1);
  const endMs = changes.find((change) => change > timeMs) ?? Date.UTC(year + 2);
  return {
    startMs,
    endMs,
    offsetBeforeMs: offsetAt(timeZone, startMs - 1),
    offsetMs: offsetAt(timeZone, startMs),
    offsetAfterMs: offsetAt(timeZone, endMs),
  };
}

/** Whether the runtime knows the zone. */
export function isTimeZone(timeZone: string): boolean {
  try {
    formatOf(timeZone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** What the clocks on the walls are ahead of UTC, in milliseconds. */
function offsetAt(timeZone: string, timeMs: number): number {
  const [, sign, hours, minutes, seconds = 0] = OFFSET.exec(formatOf(timeZone).format(timeMs)) ?? [];
  if (sign === undefined) return 0;
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  return sign === "-" ? -ms : ms;
}

const DAY_MS = 86_400_000;

/** So many years of zones are kept, of about 20 numbers each at most. */
const MAX_KEPT = 4_096;

const kept = new Map<string, readonly number[]>();

/** When the offset changes within a year of UTC, in order: the first milliseconds with another one. No zone changes it twice a day. */
function changesOf(timeZone: string, year: number): readonly number[] {
  const key = `${timeZone}|${year}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const changes: number[] = [];
  const yearEnd = Date.UTC(year + 1);
  let offset = offsetAt(timeZone, Date.UTC(year) - 1);
  for (let low = Date.UTC(year) - 1; low < yearEnd - 1; low += DAY_MS) {
    const high = Math.min(low + DAY_MS, yearEnd - 1);
    const next = offsetAt(timeZone, high);
    if (next !== offset) changes.push(changeBetween(timeZone, low, high));
    offset = next;
  }
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, changes);
  return changes;
}

function changeBetween(timeZone: string, beforeMs: number, afterMs: number): number {
  const offset = offsetAt(timeZone, beforeMs);
  let low = beforeMs;
  let high = afterMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(timeZone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const found = formats.get(timeZone);
  if (found !== undefined) return found;
  const made = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  formats.set(timeZone, made);
  return made;
}
