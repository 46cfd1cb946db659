import { InvalidScheduleError } from "./errors.ts";
import { MAX_DUE_MS } from "./schedule-spec.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const DURATION = /^(\d+)\s?(ms|s|m|h|d|w)$/;

/**
 * Milliseconds of a duration: a whole number of them, or a text such as "15m". A day is 24 hours.
 *
 * @throws InvalidScheduleError
 */
export function parseDuration(field: string, value: number | string, minMs: number): number {
  const [, count, unit = ""] = typeof value === "string" ? (DURATION.exec(value) ?? []) : [];
  const ms = typeof value === "number" ? value : Number(count) * (UNITS_MS[unit] ?? Number.NaN);
  if (!Number.isInteger(ms)) {
    const problem = 'a whole number of milliseconds is needed, or a text such as "90s", "15m", "12h", "30d"';
    throw new InvalidScheduleError({ field, value, problem });
  }
  if (ms < minMs || ms > MAX_DUE_MS) {
    throw new InvalidScheduleError({ field, value, problem: `at least ${minMs} ms are needed, and no ages` });
  }
  return ms;
}
