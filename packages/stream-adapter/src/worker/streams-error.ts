/** What an error of DynamoDB Streams asks for. */
export type StreamsErrorKind =
  /** A new iterator. */
  | "expired"
  /** The records to be read next are not kept any more. */
  | "trimmed"
  /** The shard or the stream is not there any more. */
  | "gone"
  /** Less haste. */
  | "throttled"
  /** Another attempt, some time. */
  | "transient"
  /** A request that can't be, which matters only where it is known what else to ask for. */
  | "invalid"
  /** Somebody who changes permissions, settings or the program. */
  | "fatal";

const KINDS: Readonly<Record<string, StreamsErrorKind>> = {
  ExpiredIteratorException: "expired",
  TrimmedDataAccessException: "trimmed",
  ResourceNotFoundException: "gone",
  LimitExceededException: "throttled",
  ProvisionedThroughputExceededException: "throttled",
  RequestLimitExceeded: "throttled",
  ThrottlingException: "throttled",
  ThrottledException: "throttled",
  // Credentials that ended just now are fetched again, and clocks are corrected.
  ExpiredTokenException: "transient",
  ExpiredToken: "transient",
  RequestExpired: "transient",
  RequestTimeTooSkewed: "transient",
  ValidationException: "invalid",
};

/** Our own mistakes, unless they are about a reply. */
const MISTAKE_NAMES = ["TypeError", "RangeError", "ReferenceError", "SyntaxError"];

export function kindOfStreamsError(error: unknown): StreamsErrorKind {
  if (!(error instanceof Error)) return "fatal";
  const kind = KINDS[error.name];
  if (kind !== undefined) return kind;
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (status === 429) return "throttled";
  if (status !== undefined && status >= 400 && status < 500 && status !== 408) return "fatal";
  return $metadata === undefined && MISTAKE_NAMES.includes(error.name) ? "fatal" : "transient";
}
