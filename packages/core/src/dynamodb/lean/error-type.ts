/**
 * What the SDK's retry strategies want to know about an error, judged by the SDK's own rules for its commands, so that
 * a lean call is sent again whenever, and only when, a command is.
 */
export type RetryErrorType = "THROTTLING" | "TRANSIENT" | "SERVER_ERROR" | "CLIENT_ERROR";

const THROTTLING_NAMES = [
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException",
];
const TIMEOUT_NAMES = ["TimeoutError", "RequestTimeout", "RequestTimeoutException"];
const TRANSIENT_STATUS_CODES = [500, 502, 503, 504];
const NETWORK_CODES = [
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
];
const CLOCK_SKEW_NAMES = [
  "AccessDeniedException",
  "AuthFailure",
  "InvalidSignatureException",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
];

/** The fields of an error that its type depends on. */
interface ErrorLike {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly cause?: ErrorLike;
  readonly $retryable?: { readonly throttling?: boolean };
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
}

export function retryErrorType(error: Error): RetryErrorType {
  const { name, $retryable, $metadata } = error as ErrorLike;
  const status = $metadata?.httpStatusCode ?? 0;
  if (status === 429 || THROTTLING_NAMES.includes(name ?? "") || $retryable?.throttling) return "THROTTLING";
  if (isTransient(error as ErrorLike)) return "TRANSIENT";
  return status >= 500 && status <= 599 ? "SERVER_ERROR" : "CLIENT_ERROR";
}

/** How deep a chain of causes is looked through: it may be a ring. */
const MAX_CAUSES = 10;

function isTransient(error: ErrorLike, depth = 0): boolean {
  const { name = "", message = "", code = "", cause, $retryable, $metadata } = error;
  if (name === "AbortError") return false;
  return (
    $retryable !== undefined ||
    $metadata?.clockSkewCorrected === true ||
    (name === "InvalidSignatureException" && message.includes("Signature expired")) ||
    TIMEOUT_NAMES.includes(name) ||
    NETWORK_CODES.includes(code) ||
    TRANSIENT_STATUS_CODES.includes($metadata?.httpStatusCode ?? 0) ||
    (code === "ERR_HTTP2_STREAM_ERROR" && message.includes("NGHTTP2_REFUSED_STREAM")) ||
    (typeof cause === "object" && cause !== null && depth < MAX_CAUSES && isTransient(cause, depth + 1))
  );
}

/** Whether a refusal may be due to the time in the request's signature. */
export function mayBeClockSkew(error: Error): boolean {
  return CLOCK_SKEW_NAMES.includes(error.name);
}

/** When the service wants to be asked again, if it says so: `retry-after` in seconds or as a date. */
export function retryAfter(
  headers: Readonly<Record<string, string | undefined>>,
  now: number,
): Date | undefined {
  const wanted = headers["retry-after"];
  if (wanted !== undefined) {
    const time = /^\d+(\.\d+)?$/.test(wanted) ? now + Number(wanted) * 1_000 : Date.parse(wanted);
    return Number.isNaN(time) ? undefined : new Date(time);
  }
  const delayMs = Number(headers["x-amz-retry-after"]);
  return Number.isNaN(delayMs) ? undefined : new Date(now + delayMs);
}
