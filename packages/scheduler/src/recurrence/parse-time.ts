import { InvalidScheduleError } from "./errors.ts";
import { occurrenceAfter } from "./occurrence-after.ts";
import { type DstPolicy, MAX_DUE_MS } from "./schedule-spec.ts";
import { wallTimesOf } from "./wall-times.ts";

/** A date, a time of day if it has one, and `Z` or an offset if it has one. */
const ISO = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** More than any zone is away from UTC, and any clock was ever moved by, in milliseconds. */
const MAX_SHIFT_MS = 48 * 3_600_000;

/**
 * Epoch milliseconds of a time.
 *
 * @throws InvalidScheduleError for what is none, or none in the time zone.
 */
export function parseTime(
  field: string,
  value: Date | number | string,
  zone: { readonly timeZone: string | undefined; readonly dst: DstPolicy },
): number {
  const ms = typeof value === "string" ? parseText(field, value, zone) : Number(value);
  if (!(ms >= 0 && ms <= MAX_DUE_MS)) {
    const problem = "a Date, epoch milliseconds or a text of ISO 8601 is needed, of the years 1970 to 9999";
    throw new InvalidScheduleError({ field, value, problem });
  }
  return Math.floor(ms);
}

function parseText(
  field: string,
  value: string,
  { timeZone, dst }: { readonly timeZone: string | undefined; readonly dst: DstPolicy },
): number {
  const [, date, time = "00:00", seconds = ":00", offset] = ISO.exec(value) ?? [];
  if (date === undefined) return Number.NaN;
  const wallMs = Date.parse(`${date}T${time}${seconds}Z`);
  // A day that its month does not have is one of the next month otherwise.
  if (Number.isNaN(wallMs) || !new Date(wallMs).toISOString().startsWith(`${date}T${time}`))
    return Number.NaN;
  if (offset !== undefined) return Date.parse(`${date}T${time}${seconds}${offset}`);
  if (timeZone === undefined) {
    throw new InvalidScheduleError({ field, value, problem: "it needs Z, an offset or a timeZone" });
  }
  const moment = occurrenceAfter({ walls: wallTimesOf(wallMs), timeZone, dst }, wallMs - MAX_SHIFT_MS);
  if (moment === undefined) {
    throw new InvalidScheduleError({ field, value, problem: `there is no such time in ${timeZone}` });
  }
  return moment;
}
