import { UncertainWriteError } from "../chain/storage.ts";

/** What an error means for the one who tries again. */
export type FailureKind =
  /** It may go well later, without a change of anything: it is tried for ever. */
  | { readonly kind: "transient"; readonly retryAfterMs?: number | undefined }
  /** It is tried a few times. */
  | { readonly kind: "permanent" }
  /** It is not tried again. */
  | { readonly kind: "final" };

/**
 * Refused for the moment, or not answered: names of errors of the AWS SDK, of DynamoDB and those that targets and handlers call.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const TRANSIENT_NAMES = new Set([
  "InternalServerError",
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "ServiceUnavailable",
  "ThrottlingException",
  "TimeoutError",
  "TooManyRequestsException",
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
    isTransientStatus($metadata?.httpStatusCode ?? 0) ||
    reasonsOf(error).some((reason) => reason === "TransactionConflict" || reason === "ThrottlingError");
  return { kind: isTransient ? "transient" : "permanent" };
}

/** Of HTTP: too many requests, or a fault of the service. */
function isTransientStatus(status: number): boolean {
  return status === 429 || status >= 500;
}

function reasonsOf(error: Error): readonly string[] {
  const { CancellationReasons } = error as { readonly CancellationReasons?: readonly { Code?: string }[] };
  const codes = (CancellationReasons ?? []).map(({ Code = "None" }) => Code);
  // Another reason is not over later.
  return codes.some((code) => code === "ValidationError" || code === "ConditionalCheckFailed") ? [] : codes;
}

/** Of an error that is stored. */
const MAX_ERROR_CHARACTERS = 1_000;

/** An error in words, to be stored. */
export function describeFailure(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, MAX_ERROR_CHARACTERS);
}
