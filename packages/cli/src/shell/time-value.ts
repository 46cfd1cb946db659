import { UsageError } from "./usage-error.ts";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/** Whether `2h` is in two hours, or two hours ago. */
export type Direction = "ahead" | "ago";

/**
 * The value of an option that is a time: of ISO 8601 with `Z` or an offset; a day, which begins in UTC; or `90s`, `15m`, `2h`, `3d`.
 *
 * @throws UsageError for anything else.
 */
export function timeValue(option: string, text: string | undefined, direction: Direction): Date | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS_MS[unit] ?? Number.NaN) * (direction === "ago" ? -1 : 1);
  const time = Number.isNaN(ms) ? new Date(ISO.test(text) ? text : Number.NaN) : new Date(Date.now() + ms);
  if (!Number.isNaN(time.getTime())) return time;
  const example = direction === "ago" ? "2h for two hours ago" : "2h for in two hours";
  throw new UsageError(
    `--${option} is ${JSON.stringify(text)}; it has to be a time such as 2026-03-01T12:00Z or 2026-03-01, or ${example}.`,
  );
}
