import { describeFailure } from "@tuppence/core/failures";
import { FunctionFailedError } from "../targets/errors.ts";
import { type OccurrenceEvent, occurrenceEvent } from "../targets/occurrence-event.ts";
import type { Occurrence } from "../targets/target.ts";

/**
 * What became of an occurrence, as destinations are told: the record that destinations of Lambda get of an asynchronous invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export interface ExecutionRecord {
  readonly version: "1.0";
  /** When it was over: ISO 8601. */
  readonly timestamp: string;
  readonly requestContext: {
    /** The id of the occurrence. */
    readonly requestId: string;
    /** The name of the target. */
    readonly functionArn: string;
    readonly condition: "Success" | "RetriesExhausted";
    /** How many attempts were begun. */
    readonly approximateInvokeCount: number;
  };
  readonly requestPayload: OccurrenceEvent;
  readonly responseContext: {
    readonly statusCode: 200;
    readonly executedVersion: "$LATEST";
    /** Of a failure. */
    readonly functionError?: "Unhandled";
  };
  /** What the target answered, or `errorType` and `errorMessage`; absent without one, and if it is above 128 KB of JSON. */
  readonly responsePayload?: unknown;
}

/** How a run came out. */
export type RunOutcome =
  | { readonly kind: "success"; readonly answer: unknown }
  | { readonly kind: "failure"; readonly error: unknown };

/** The largest answer that goes into a record, as JSON, in bytes: with a payload of 64 KB it fits into an item, and into an event. */
const MAX_RESPONSE_BYTES = 131_072;

export function executionRecord(run: {
  readonly occurrence: Occurrence;
  /** The target's name. */
  readonly target: string;
  readonly outcome: RunOutcome;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}): ExecutionRecord {
  const { occurrence, target, outcome, nowMs } = run;
  const isFailure = outcome.kind === "failure";
  const response = isFailure ? errorResponse(outcome.error) : outcome.answer;
  const text = JSON.stringify(response) as string | undefined;
  const fits = text !== undefined && Buffer.byteLength(text) <= MAX_RESPONSE_BYTES;
  return {
    version: "1.0",
    timestamp: new Date(nowMs).toISOString(),
    requestContext: {
      requestId: occurrence.id,
      functionArn: target,
      condition: isFailure ? "RetriesExhausted" : "Success",
      approximateInvokeCount: occurrence.attempt,
    },
    requestPayload: occurrenceEvent(occurrence),
    responseContext: {
      statusCode: 200,
      executedVersion: "$LATEST",
      ...(isFailure ? { functionError: "Unhandled" } : undefined),
    },
    ...(fits ? { responsePayload: response } : undefined),
  };
}

/** Of a function, what it said itself. */
function errorResponse(error: unknown): unknown {
  if (error instanceof FunctionFailedError) return error.response;
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: describeFailure(error) };
  return { errorType: error.name, errorMessage: error.message };
}

/** The same for a record that is sent again; another attempt's is another. */
export function recordId({ requestContext }: ExecutionRecord): string {
  const { requestId, condition, approximateInvokeCount } = requestContext;
  return `${requestId}|${condition}|${approximateInvokeCount}`;
}
