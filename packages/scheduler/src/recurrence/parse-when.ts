import { parseDuration } from "./duration.ts";
import { InvalidScheduleError } from "./errors.ts";
import { nextOccurrence } from "./next-occurrence.ts";
import { parseTime } from "./parse-time.ts";
import {
  type CronSpec,
  type DstPolicy,
  MIN_EVERY_MS,
  type ScheduleSpec,
  type When,
} from "./schedule-spec.ts";
import { isTimeZone } from "./time-zone.ts";
import { wallTimesOfCron } from "./wall-times.ts";

const DEFAULT_TIME_ZONE = "UTC";

/** Of a `When`: exactly one has to be given. */
const KINDS = ["at", "in", "cron", "every"] as const;

/**
 * What was asked for, in the form in which it is stored.
 *
 * @throws InvalidScheduleError when it makes no sense, or would never fire.
 */
export function parseWhen(when: When, nowMs: number): ScheduleSpec {
  const given = KINDS.filter((kind) => when[kind] !== undefined);
  if (given.length !== 1) {
    const value = given.join(" and ") || "missing";
    throw new InvalidScheduleError({ field: "when", value, problem: `one of ${KINDS.join(", ")} is needed` });
  }
  const { timeZone } = when;
  if (timeZone !== undefined && !(typeof timeZone === "string" && isTimeZone(timeZone))) {
    throw new InvalidScheduleError({
      field: "timeZone",
      value: timeZone,
      problem: "no such time zone is known",
    });
  }
  const dst = parseDst(when);
  if (when.at !== undefined) return { kind: "at", dueMs: parseTime("at", when.at, { timeZone, dst }) };
  if (when.in !== undefined) {
    const inMs = parseDuration("in", when.in, 0);
    return { kind: "at", dueMs: parseTime("in", nowMs + inMs, { timeZone, dst }), inMs };
  }
  if (when.cron !== undefined)
    return parseCron(when.cron, { timeZone: timeZone ?? DEFAULT_TIME_ZONE, dst, nowMs });
  const everyMs = parseDuration("every", when.every ?? "", MIN_EVERY_MS);
  const isAnchored = when.startingAt !== undefined;
  const anchorMs = parseTime("startingAt", when.startingAt ?? nowMs, { timeZone, dst });
  return { kind: "every", everyMs, anchorMs, isAnchored };
}

function parseDst({ cron, dst = {} }: When): DstPolicy {
  const { gap = "shift", overlap = typeof cron === "string" && firesAnyHour(cron) ? "both" : "first" } = dst;
  if (gap !== "shift" && gap !== "skip") {
    throw new InvalidScheduleError({ field: "dst.gap", value: gap, problem: "it is shift or skip" });
  }
  if (overlap !== "first" && overlap !== "last" && overlap !== "both") {
    throw new InvalidScheduleError({
      field: "dst.overlap",
      value: overlap,
      problem: "it is first, last or both",
    });
  }
  return { gap, overlap };
}

function firesAnyHour(cron: string): boolean {
  const fields = cron.trim().split(/\s+/);
  const hour = fields.length > 5 ? fields[2] : fields[1];
  return cron.trim().toLowerCase() === "@hourly" || (hour?.startsWith("*") ?? false);
}

function parseCron(
  cron: string,
  { timeZone, dst, nowMs }: Pick<CronSpec, "timeZone" | "dst"> & { readonly nowMs: number },
): CronSpec {
  const spec = { kind: "cron", cron, timeZone, dst } as const;
  try {
    wallTimesOfCron(cron);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidScheduleError({ field: "cron", value: cron, problem }, { cause });
  }
  if (nextOccurrence(spec, nowMs) === undefined) {
    throw new InvalidScheduleError({ field: "cron", value: cron, problem: "it would never fire" });
  }
  return spec;
}
