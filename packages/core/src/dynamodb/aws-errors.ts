import type { CancellationReason, TransactionCanceledException } from "@aws-sdk/client-dynamodb";

/** Whether an error is one of AWS's, by its name: classes differ between copies of the SDK. */
export function isNamed<Name extends string>(
  error: unknown,
  ...names: readonly Name[]
): error is Error & { name: Name } {
  return error instanceof Error && (names as readonly string[]).includes(error.name);
}

/** Refused because of another transaction on the same item just now: nothing was written. */
const CONFLICT_NAMES = ["TransactionConflictException"];

/** Refused, but an earlier attempt of the same request or its replica in another Region may have been applied. */
const UNCLEAR_NAMES = ["TransactionInProgressException", "ReplicatedWriteConflictException"];

/** Raised before anything is sent, or by the caller itself. */
const NEVER_SENT_NAMES = ["AbortError", "CredentialsProviderError", "TokenProviderError"];

/**
 * Likewise, unless there was an attempt: then it is about the reply (a proxy's page is no JSON, hence a SyntaxError)
 * or the connection (`fetch` fails with a TypeError).
 */
const MISTAKE_NAMES = ["TypeError", "RangeError", "SyntaxError"];

/**
 * What a failed write says about whether it was applied: "no" for good, "not now" when sending it again is
 * right, "unknown" when the service did not answer or failed by itself.
 */
export function wasApplied(error: unknown): "no" | "not now" | "unknown" {
  if (!(error instanceof Error)) return "unknown";
  if (CONFLICT_NAMES.includes(error.name)) return "not now";
  if (UNCLEAR_NAMES.includes(error.name)) return "unknown";
  if (NEVER_SENT_NAMES.includes(error.name)) return "no";
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  if (MISTAKE_NAMES.includes(error.name) && $metadata === undefined) return "no";
  const status = $metadata?.httpStatusCode;
  // A connection that broke has no status; a failure of the service (5xx) may come after the write.
  return status !== undefined && status >= 400 && status < 500 ? "no" : "unknown";
}

/** Why a transaction was cancelled, by its actions; none when it was not. */
export function reasonsOf(error: unknown): readonly CancellationReason[] {
  if (!isNamed(error, "TransactionCanceledException")) return [];
  return (error as TransactionCanceledException).CancellationReasons ?? [];
}
