import { functionArn, LATEST } from "./function-name.ts";
import type { InvokeResult } from "./local-function.ts";

/**
 * What a destination gets of an asynchronous invocation that failed.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export interface InvocationRecord {
  readonly version: "1.0";
  /** ISO 8601. */
  readonly timestamp: string;
  readonly requestContext: {
    readonly requestId: string;
    readonly functionArn: string;
    readonly condition: "RetriesExhausted";
    readonly approximateInvokeCount: number;
  };
  readonly requestPayload: unknown;
  readonly responseContext: {
    readonly statusCode: 200;
    readonly executedVersion: string;
    readonly functionError: string;
  };
  readonly responsePayload: unknown;
}

export interface FailedInvocation {
  readonly name: string;
  readonly requestId: string;
  readonly event: unknown;
  readonly attempts: number;
  readonly result: InvokeResult;
}

export function invocationRecord(
  { name, requestId, event, attempts, result }: FailedInvocation,
  at: Date,
): InvocationRecord {
  return {
    version: "1.0",
    timestamp: at.toISOString(),
    requestContext: {
      requestId,
      functionArn: functionArn(name, LATEST),
      condition: "RetriesExhausted",
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    responseContext: {
      statusCode: 200,
      executedVersion: LATEST,
      functionError: result.functionError ?? "Unhandled",
    },
    responsePayload: JSON.parse(result.payload) as unknown,
  };
}
