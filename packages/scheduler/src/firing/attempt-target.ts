import { LinkedAbort } from "@tuppence/core";
import type { SchedulerContext } from "../context.ts";
import type { Entry } from "../entries/entry.ts";
import { TargetTimeoutError } from "../errors.ts";
import { deadlinesOf } from "./deadlines.ts";
import { DEFAULT_TARGET_TIMEOUT_MS, type Occurrence, type Target } from "../targets/target.ts";

/** How much longer a claim lasts than an attempt may, in milliseconds: for the writes around it. */
const CLAIM_MARGIN_MS = 30_000;

function timeoutOf({ timeoutMs = DEFAULT_TARGET_TIMEOUT_MS }: Pick<Target, "timeoutMs">): number {
  return timeoutMs;
}

/** How long an occurrence stays with whoever claimed it, in milliseconds. */
export function claimDurationMs(target: Target): number {
  return timeoutOf(target) + CLAIM_MARGIN_MS;
}

/** What a target is told. */
export function occurrenceOf(entry: Entry, attempt: number): Occurrence {
  const { id, name, definition, dueMs, fireAtMs } = entry;
  const { group, payload } = definition;
  return {
    id,
    name,
    group,
    dueAt: new Date(dueMs),
    fireAt: new Date(fireAtMs),
    payload: payload === undefined ? undefined : JSON.parse(payload),
    attempt,
  };
}

/**
 * Lets a target make its attempt, and gives up on it in time.
 *
 * @throws TargetTimeoutError, or what the target throws.
 */
export async function attemptTarget<Result>(
  { runtime }: Pick<SchedulerContext, "runtime">,
  attempt: {
    readonly name: string;
    readonly target: Pick<Target, "timeoutMs">;
    readonly signal: AbortSignal | undefined;
  },
  fire: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const timeoutMs = timeoutOf(attempt.target);
  using ending = new LinkedAbort(attempt.signal);
  const end = deadlinesOf(runtime).set(timeoutMs, () => {
    ending.abort(new TargetTimeoutError(attempt.name, timeoutMs));
  });
  const gaveUp = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(ending.signal.reason);
    if (ending.signal.aborted) giveUp();
    else ending.signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([(async () => fire(ending.signal))(), gaveUp]);
  } finally {
    end();
  }
}
