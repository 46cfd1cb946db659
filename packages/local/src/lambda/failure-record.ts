import type { InvokeResult } from "./local-function.ts";
import type { StreamEventRecord } from "./stream-event.ts";

/** Why Lambda gave records up. */
export type FailureCondition = "RetryAttemptsExhausted" | "RecordAgeExceeded";

/**
 * What Lambda sends to an on-failure destination: where the records are in the stream, not the records themselves.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export interface FailureRecord {
  readonly requestContext: {
    /** Of the last invocation; a new id when there was none. */
    readonly requestId: string;
    readonly functionArn: string;
    readonly condition: FailureCondition;
    readonly approximateInvokeCount: number;
  };
  /** Missing when the function was never invoked with these records. */
  readonly responseContext?: {
    readonly statusCode: 200;
    readonly executedVersion: "$LATEST";
    /** Missing when the function reported the failure in its reply. */
    readonly functionError?: string;
  };
  readonly version: "1.0";
  /** ISO 8601, in milliseconds. */
  readonly timestamp: string;
  readonly DDBStreamBatchInfo: {
    readonly shardId: string;
    readonly startSequenceNumber: string;
    readonly endSequenceNumber: string;
    /** ISO 8601, in seconds. */
    readonly approximateArrivalOfFirstRecord: string;
    readonly approximateArrivalOfLastRecord: string;
    readonly batchSize: number;
    readonly streamArn: string;
  };
}

/** What a failure record is written from. */
export interface GivenUp {
  readonly condition: FailureCondition;
  readonly records: readonly StreamEventRecord[];
  readonly invocations: number;
  readonly requestId: string;
  readonly lastResult: InvokeResult | undefined;
  readonly functionArn: string;
  readonly shardId: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Writes the record of a batch that was given up. @throws RangeError when it is empty */
export function failureRecord(givenUp: GivenUp): FailureRecord {
  const { records, lastResult } = givenUp;
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) throw new RangeError("A batch that is given up has records");
  return {
    requestContext: {
      requestId: givenUp.requestId,
      functionArn: givenUp.functionArn,
      condition: givenUp.condition,
      approximateInvokeCount: givenUp.invocations,
    },
    ...(lastResult && {
      responseContext: {
        statusCode: 200,
        executedVersion: "$LATEST",
        ...(lastResult.functionError !== undefined && { functionError: lastResult.functionError }),
      },
    }),
    version: "1.0",
    timestamp: new Date(givenUp.now).toISOString(),
    DDBStreamBatchInfo: {
      shardId: givenUp.shardId,
      startSequenceNumber: first.dynamodb.SequenceNumber,
      endSequenceNumber: last.dynamodb.SequenceNumber,
      approximateArrivalOfFirstRecord: arrivalOf(first),
      approximateArrivalOfLastRecord: arrivalOf(last),
      batchSize: records.length,
      streamArn: first.eventSourceARN,
    },
  };
}

function arrivalOf({ dynamodb }: StreamEventRecord): string {
  const iso = new Date((dynamodb.ApproximateCreationDateTime ?? 0) * 1_000).toISOString();
  return iso.replace(/\.\d+Z$/, "Z");
}
