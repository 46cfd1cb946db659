/** What becomes of occurrences that nobody was there to fire in time. */
export interface Misfire {
  /**
   * `fireOnce`: the first of them stands for all; `skip`: none of them fires; `fireAll`: each of them does, one after
   * the other, or the latest `max`.
   */
  readonly policy: "fireAll" | "fireOnce" | "skip";
  /** For `fireAll`: from 1 to 1,000. Default: all. */
  readonly max?: number | undefined;
  /** An occurrence is missed when it is later than this, in milliseconds. */
  readonly graceMs: number;
}

/**
 * What becomes of occurrences that come while a run of the same series is under way, its retries included: `skip`: they do not
 * fire; `bufferOne`: the first of them fires when the run has ended; `allow`: all fire, beside it.
 */
export type RunOverlap = "skip" | "allow" | "bufferOne";

/** What becomes of occurrences that are missed, when nothing else is said. */
export const DEFAULT_MISFIRE: Misfire = { policy: "fireOnce", graceMs: 60_000 };

/** What becomes of an occurrence whose predecessor still runs, when nothing else is said. */
export const DEFAULT_RUN_OVERLAP: RunOverlap = "skip";

/** The most of `fireAll`'s `max`. */
const MAX_FIRED = 1_000;

const POLICIES: readonly unknown[] = ["fireAll", "fireOnce", "skip"] satisfies readonly Misfire["policy"][];

/**
 * The policy that was asked for, whole.
 *
 * @throws TypeError, RangeError for what is none.
 */
export function checkMisfire(asked: Misfire["policy"] | Partial<Misfire> = {}): Misfire {
  const {
    policy = DEFAULT_MISFIRE.policy,
    graceMs = DEFAULT_MISFIRE.graceMs,
    max,
  } = typeof asked === "string" ? { policy: asked } : asked;
  if (!POLICIES.includes(policy)) {
    throw new TypeError(`misfire is ${JSON.stringify(policy)}; it has to be one of ${POLICIES.join(", ")}.`);
  }
  if (!(Number.isSafeInteger(graceMs) && graceMs >= 0)) {
    throw new RangeError(`misfire.graceMs is ${graceMs}; it can't be.`);
  }
  if (max === undefined) return { policy, graceMs };
  if (policy !== "fireAll" || !(Number.isInteger(max) && max >= 1 && max <= MAX_FIRED)) {
    throw new RangeError(`misfire.max is ${max}; it is for fireAll, and from 1 to ${MAX_FIRED}.`);
  }
  return { policy, graceMs, max };
}

/** @throws TypeError for what is no such policy. */
export function checkRunOverlap(asked: RunOverlap = DEFAULT_RUN_OVERLAP): RunOverlap {
  if (asked === "skip" || asked === "allow" || asked === "bufferOne") return asked;
  throw new TypeError(`overlap is ${JSON.stringify(asked)}; it has to be skip, allow or bufferOne.`);
}
