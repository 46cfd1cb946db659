import { backoffMs, pause, type Runtime } from "../runtime.ts";
import { classifyFailure, type FailureKind } from "./classify-failure.ts";

/** Work that goes on for long ends: its lease is to be let go, or was lost, or others take over. Not a failure. */
export class WorkEndedError extends Error {
  override readonly name = "WorkEndedError";

  constructor(message = "The work ends.", options?: ErrorOptions) {
    super(message, options);
  }
}

/** It was tried as often as it may be; `cause` is what failed last. */
export class GivenUpError extends Error {
  override readonly name = "GivenUpError";
  readonly attempts: number;

  constructor(cause: unknown, attempts: number) {
    super(`Given up after ${attempts} attempts.`, { cause });
    this.attempts = attempts;
  }
}

/** How long to wait before what failed is tried again, in milliseconds: the pause doubles from `baseMs` up to `maxMs`. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The pauses between attempts when nothing else is said, in milliseconds: doubled each time, half of each chance. */
export const DEFAULT_RETRY_BACKOFF: Backoff = { baseMs: 100, maxMs: 30_000 };

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
  /** Default: `DEFAULT_RETRY_BACKOFF`, 0.1 to 30 seconds. */
  readonly backoff?: Backoff | undefined;
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

/**
 * Tries until it succeeds: for ever while it fails for the moment only, otherwise `maxAttempts` times.
 *
 * @throws GivenUpError, or WorkEndedError when it is time to end.
 */
export async function tryUntilDone<Result>(
  attempts: Attempts,
  tryOnce: (attempt: number) => Promise<Result> | Result,
): Promise<Result> {
  const { runtime, ending, maxAttempts, backoff = DEFAULT_RETRY_BACKOFF, onRetry } = attempts;
  let counted = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(attempt);
    } catch (thrown) {
      if (isWorkEnd(thrown)) throw thrown;
      // What was given up because the work ends, a request say, is no failure.
      if (ending.aborted) throw new WorkEndedError(undefined, { cause: thrown });
      const error = thrown instanceof GivenUpError ? thrown.cause : thrown;
      const failure = classifyFailure(error);
      if (failure.kind !== "transient") counted++;
      if (failure.kind === "final" || counted >= maxAttempts) throw new GivenUpError(error, attempt);
      const pauseMs = retryPauseMs(failure, attempt, { backoff, random: runtime.random });
      onRetry?.({ error, attempt, pauseMs });
      if (!(await pause(runtime, pauseMs, ending))) throw new WorkEndedError();
    }
  }
}

/** The pause after so many attempts: half of the first one, and a random part that doubles with each. */
export function retryPauseMs(
  failure: FailureKind,
  attempt: number,
  { backoff, random }: { readonly backoff: Backoff; readonly random: () => number },
): number {
  if (failure.kind === "transient" && failure.retryAfterMs !== undefined) return failure.retryAfterMs;
  return backoff.baseMs / 2 + backoffMs(Math.min(attempt, 20), backoff, random);
}

/** Whether an error says that the work is over: it ends, or its lease was lost. */
export function isWorkEnd(error: unknown): boolean {
  return (
    error instanceof WorkEndedError ||
    (error instanceof Error && (error as { readonly code?: unknown }).code === "leaseLost")
  );
}
