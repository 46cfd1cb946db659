import type { ScheduleSpec } from "./recurrence/schedule-spec.ts";
import {
  DEFAULT_MISFIRE,
  DEFAULT_RUN_OVERLAP,
  type Misfire,
  type RunOverlap,
} from "./recurrence/series-policy.ts";

/** What a schedule is to do, and when: the part of it that whoever made it has said. */
export interface Definition {
  readonly spec: ScheduleSpec;
  /** The name of a target. */
  readonly target: string;
  /** JSON text; undefined: none. */
  readonly payload: string | undefined;
  readonly group: string | undefined;
  /** Each occurrence fires up to so much later than scheduled, in milliseconds. */
  readonly jitterMs: number;
  readonly retry: RetryPolicy;
  readonly misfire: Misfire;
  readonly overlap: RunOverlap;
}

/** How often a failed attempt is made again, and when. */
export interface RetryPolicy {
  /** Attempts that may fail for a reason that is not over by itself, until the occurrence is parked. Default 5. */
  readonly maxAttempts: number;
  /** The pause after the first failure is a random part of this, in milliseconds, then of twice as much, and so on. Default 1,000. */
  readonly baseMs: number;
  /** And of no more than this. Default 900,000: a quarter of an hour. */
  readonly maxMs: number;
}

/** How failed attempts are repeated when nothing else is said. */
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 5, baseMs: 1_000, maxMs: 900_000 };

/** What differs from the defaults, as it is stored. */
type StoredDefinition = Partial<Omit<Definition, "target" | "payload">> & {
  readonly target: string;
  readonly payload?: unknown;
};

/** @throws TypeError, RangeError for what is no such policy. */
export function checkRetry(asked: Partial<RetryPolicy> = {}): RetryPolicy {
  const retry = { ...DEFAULT_RETRY, ...asked };
  const { maxAttempts, baseMs, maxMs } = retry;
  if (!(Number.isInteger(maxAttempts) && maxAttempts >= 1)) {
    throw new RangeError(`retry.maxAttempts is ${maxAttempts}; it has to be 1 or more.`);
  }
  if (!(baseMs >= 0 && maxMs >= baseMs && Number.isFinite(maxMs))) {
    throw new RangeError(`retry.baseMs is ${baseMs} and retry.maxMs ${maxMs}; they can't be.`);
  }
  return retry;
}

/** A definition as JSON text. A time that the entry's id says, and defaults, are left out. */
export function encodeDefinition(definition: Definition): string {
  const { spec, target, payload, group, jitterMs, retry, misfire, overlap } = definition;
  const stored: StoredDefinition = {
    ...(isPlainTime(spec) ? undefined : { spec }),
    target,
    ...(payload === undefined ? undefined : { payload: JSON.parse(payload) as unknown }),
    ...(group === undefined ? undefined : { group }),
    ...(jitterMs === 0 ? undefined : { jitterMs }),
    ...(isSame(retry, DEFAULT_RETRY) ? undefined : { retry }),
    ...(isSame(misfire, DEFAULT_MISFIRE) ? undefined : { misfire }),
    ...(overlap === DEFAULT_RUN_OVERLAP ? undefined : { overlap }),
  };
  return JSON.stringify(stored);
}

/** The definition of a text; `dueMs` is the time of one that is for once. */
export function decodeDefinition(text: string, dueMs: number): Definition {
  const stored = JSON.parse(text) as StoredDefinition;
  return {
    spec: stored.spec ?? { kind: "at", dueMs },
    target: stored.target,
    payload: "payload" in stored ? JSON.stringify(stored.payload) : undefined,
    group: stored.group,
    jitterMs: stored.jitterMs ?? 0,
    retry: stored.retry ?? DEFAULT_RETRY,
    misfire: stored.misfire ?? DEFAULT_MISFIRE,
    overlap: stored.overlap ?? DEFAULT_RUN_OVERLAP,
  };
}

function isPlainTime(spec: ScheduleSpec): boolean {
  return spec.kind === "at" && spec.inMs === undefined;
}

/** Whether two policies say the same: all of their values are plain. */
function isSame<Policy extends object>(one: Policy, other: Policy): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Policy>;
  return [...names].every((name) => one[name] === other[name]);
}
