/** Entries are kept by the minute in which they are due; these are the pure rules about minutes. Times are epoch milliseconds. */

const MINUTE_MS = 60_000;

/**
 * Whoever puts an entry into a minute that ends within this time, or has ended, looks back. Twice what is left to a minute before it is closed:
 * the difference is what clocks may be apart.
 */
export const NEAR_MS = 600_000;

/** How long after its end a minute stays open. */
const OPEN_AFTER_END_MS = 300_000;

/** Digits of a minute's number where it is part of a key, so that keys are in order of time until the year 9999. */
const MINUTE_DIGITS = 10;

export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}

export function endOfMinute(minute: number): number {
  return (minute + 1) * MINUTE_MS;
}

/** Whether a drain of the minute may be under way, or have ended. */
export function isNear(minute: number, nowMs: number): boolean {
  return nowMs >= endOfMinute(minute) - NEAR_MS;
}

/** Whether a minute may be closed once nothing is to be done in it. */
export function isOver(minute: number, nowMs: number): boolean {
  return nowMs >= endOfMinute(minute) + OPEN_AFTER_END_MS;
}

/** A minute in a key. */
export function minuteKey(minute: number): string {
  return String(minute).padStart(MINUTE_DIGITS, "0");
}
