import { backoffMs, pause, type Runtime } from "@tuppence/core";
import { classifyFailure, type FailureKind } from "@tuppence/core/failures";

/** The work on a lane ends: its lease is to be let go, or was lost, or other lanes take over. Not a failure. */
export class LaneEndedError extends Error {
  override readonly name = "LaneEndedError";

  constructor(options?: ErrorOptions) {
    super("The work on the lane ends.", options);
  }
}

/** It was tried as often as it may be. */
export class GivenUpError extends Error {
  override readonly name = "GivenUpError";
  readonly attempts: number;

  constructor(cause: unknown, attempts: number) {
    super(`Given up after ${attempts} attempts.`, { cause });
    this.attempts = attempts;
  }
}

/** How long to wait before what failed is tried again, in milliseconds. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The pause after so many attempts: half of it is chance. */
export function retryPauseMs(
  failure: FailureKind,
  attempt: number,
  { backoff, random }: { readonly backoff: Backoff; readonly random: () => number },
): number {
  if (failure.kind === "transient" && failure.retryAfterMs !== undefined) return failure.retryAfterMs;
  return backoff.baseMs / 2 + backoffMs(Math.min(attempt, 20), backoff, random);
}

export interface Retry {
  readonly error: unknown;
  /** How often it was tried so far. */
  readonly attempt: number;
  readonly pauseMs: number;
}

/** How often, and until when, something is tried. */
export interface Attempts {
  readonly runtime: Runtime;
  /** Ends the trying. */
  readonly ending: AbortSignal;
  /** For what does not fail for the moment only; 1: not again. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  readonly onRetry: (retry: Retry) => void;
}

/**
 * Tries until it succeeds: for ever while it fails for the moment only, otherwise `maxAttempts` times.
 *
 * @throws GivenUpError, or LaneEndedError when it is time to end.
 */
export async function tryUntilDone<Result>(
  attempts: Attempts,
  tryOnce: (attempt: number) => Promise<Result>,
): Promise<Result> {
  const { runtime, ending, maxAttempts, backoff, onRetry } = attempts;
  let counted = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(attempt);
    } catch (error) {
      if (isEnd(error)) throw error;
      // What was given up because the lane ends, a request say, is no failure of the message's.
      if (ending.aborted) throw new LaneEndedError({ cause: error });
      const failure = classifyFailure(error);
      if (failure.kind !== "transient") counted++;
      if (failure.kind === "final" || counted >= maxAttempts) throw new GivenUpError(error, attempt);
      const pauseMs = retryPauseMs(failure, attempt, { backoff, random: runtime.random });
      onRetry({ error, attempt, pauseMs });
      if (!(await pause(runtime, pauseMs, ending))) throw new LaneEndedError();
    }
  }
}

/** Whether an error says that the work on the lane is over. */
export function isEnd(error: unknown): boolean {
  return (
    error instanceof LaneEndedError ||
    (error instanceof Error && (error as { readonly code?: unknown }).code === "leaseLost")
  );
}
