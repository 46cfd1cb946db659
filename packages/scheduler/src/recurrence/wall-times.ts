import { Cron } from "croner";

/**
 * The first time of the wall clock after a given one, or undefined when there is none. Times of the wall clock are given as if
 * the wall were at UTC: in epoch milliseconds of the moment when UTC's clock shows the same.
 */
export type WallTimes = (afterMs: number) => number | undefined;

/**
 * The times that a cron pattern matches. Croner is asked as if the zone were UTC, which has neither gaps nor overlaps; what becomes of
 * them in a real one is decided by `occurrenceAfter`, not by croner's own rules.
 *
 * @throws TypeError, RangeError, Error for a pattern that is none.
 */
export function wallTimesOfCron(pattern: string): WallTimes {
  const cron = cronOf(pattern);
  return (afterMs) => cron.nextRun(new Date(afterMs))?.getTime();
}

/** A single time. */
export function wallTimesOf(wallMs: number): WallTimes {
  return (afterMs) => (afterMs < wallMs ? wallMs : undefined);
}

const MAX_KEPT = 1_000;

const kept = new Map<string, Cron>();

function cronOf(pattern: string): Cron {
  const found = kept.get(pattern);
  if (found !== undefined) return found;
  // Croner takes a date for a pattern too: that of a job that runs once.
  if (pattern.includes(":")) throw new TypeError("a date is no pattern");
  const made = new Cron(pattern, { utcOffset: 0 });
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(pattern, made);
  return made;
}
