import { backoffMs, pause, type Runtime } from "@tuppence/core";
import { UncertainWriteError } from "@tuppence/core/leases";

/** What an error means for the one who tries again. */
export type FailureKind =
  /** It may go well later, without a change of anything: it is tried for ever. */
  | { readonly kind: "transient"; readonly retryAfterMs?: number | undefined }
  /** It is tried a few times. */
  | { readonly kind: "permanent" }
  /** It is not tried again. */
  | { readonly kind: "final" };

/** Refused for the moment, or not answered: names of errors of the AWS SDK. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const TRANSIENT_NAMES = new Set([
  "InternalServerError",
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ServiceUnavailable",
  "ThrottlingException",
  "TimeoutError",
  "TransactionConflictException",
  "TransactionInProgressException",
]);

/** Codes of connections that broke or could not be made: Node's, and those of its fetch. */
const TRANSIENT_CODES = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** Sorts an error by what it says of itself: `code` and `retryable` of ours, `name` of the AWS SDK's, `code` of Node's. */
export function classifyFailure(error: unknown): FailureKind {
  if (!(error instanceof Error)) return { kind: "permanent" };
  const { code, retryable, retryAfterMs, $retryable, $metadata } = error as Error & {
    readonly code?: unknown;
    readonly retryable?: unknown;
    readonly retryAfterMs?: unknown;
    readonly $retryable?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  if (code === "nonRetryable") return { kind: "final" };
  if (code === "retryAfter") return { kind: "transient", retryAfterMs: Number(retryAfterMs) };
  const isTransient =
    error instanceof UncertainWriteError ||
    retryable === true ||
    ($retryable !== undefined && $retryable !== null) ||
    TRANSIENT_NAMES.has(error.name) ||
    TRANSIENT_CODES.has(String(code)) ||
    // What fetch throws tells of the connection in its cause only.
    TRANSIENT_CODES.has(String(Object(error.cause).code)) ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    reasonsOf(error).some((reason) => reason === "TransactionConflict" || reason === "ThrottlingError");
  return { kind: isTransient ? "transient" : "permanent" };
}

function reasonsOf(error: Error): readonly string[] {
  const { CancellationReasons } = error as { readonly CancellationReasons?: readonly { Code?: string }[] };
  const codes = (CancellationReasons ?? []).map(({ Code = "None" }) => Code);
  // Another reason is not over later.
  return codes.some((code) => code === "ValidationError" || code === "ConditionalCheckFailed") ? [] : codes;
}

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

/** Of an error that is stored. */
const MAX_ERROR_CHARACTERS = 1_000;

/** An error in words, to be stored. */
export function describeFailure(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, MAX_ERROR_CHARACTERS);
}
