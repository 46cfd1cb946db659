import { backoffMs, pause, type Runtime } from "@tuppence/core";
import { classifyFailure } from "@tuppence/core/failures";

/** A batch is too much for one go: fewer events may not be. */
export class BatchTooLargeError extends Error {
  override readonly name = "BatchTooLargeError";
}

/** The work on a slot ends: its lease is to be let go, or was lost. Not a failure. */
export class SlotEndedError extends Error {
  override readonly name = "SlotEndedError";
}

const RETRY_BACKOFF = { baseMs: 100, maxMs: 30_000 };

/** How often, and until when, something is tried. */
export interface Attempts {
  readonly runtime: Runtime;
  /** Ends the trying. */
  readonly ending: AbortSignal;
  /** For what is neither transient nor final. */
  readonly maxAttempts: number;
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

export interface Retry {
  readonly error: unknown;
  /** How often it was tried so far. */
  readonly attempt: number;
  readonly pauseMs: number;
}

/**
 * Tries until it succeeds: for ever while it fails for the moment only, otherwise `maxAttempts` times.
 *
 * @throws FailedAttemptsError when it is given up, SlotEndedError when it is time to end.
 */
export async function tryUntilDone<Result>(
  attempts: Attempts,
  tryOnce: (attempt: number) => Promise<Result> | Result,
): Promise<Result> {
  const { runtime, ending, maxAttempts, onRetry } = attempts;
  let permanent = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(attempt);
    } catch (thrown) {
      if (isEnd(thrown) || thrown instanceof BatchTooLargeError) throw thrown;
      // What was given up because the slot ends, a request say, is no failure of the slot's.
      if (ending.aborted) throw new SlotEndedError("The work on the slot ends.", { cause: thrown });
      const error = thrown instanceof FailedAttemptsError ? thrown.cause : thrown;
      const failure = classifyFailure(error);
      if (failure.kind !== "transient") permanent++;
      if (failure.kind === "final" || permanent >= maxAttempts) throw new FailedAttemptsError(error, attempt);
      const pauseMs =
        failure.kind === "transient" && failure.retryAfterMs !== undefined
          ? failure.retryAfterMs
          : RETRY_BACKOFF.baseMs / 2 + backoffMs(Math.min(attempt, 20), RETRY_BACKOFF, runtime.random);
      onRetry?.({ error, attempt, pauseMs });
      if (!(await pause(runtime, pauseMs, ending))) throw new SlotEndedError("The work on the slot ends.");
    }
  }
}

/** It was tried as often as it may be. */
export class FailedAttemptsError extends Error {
  override readonly name = "FailedAttemptsError";
  readonly attempts: number;

  constructor(cause: unknown, attempts: number) {
    super(`Given up after ${attempts} attempts.`, { cause });
    this.attempts = attempts;
  }
}

/** Whether an error says that the work on the slot is over. */
function isEnd(error: unknown): boolean {
  return (
    error instanceof SlotEndedError ||
    (error instanceof Error && (error as { readonly code?: unknown }).code === "leaseLost")
  );
}
