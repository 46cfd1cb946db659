import type { RecordFilter } from "./filters.ts";

/** The settings of an event source mapping that we rely on, in the names of CreateEventSourceMapping. */
export interface EventSourceMappingSettings {
  /** From the oldest record there is: with LATEST, what is written while the mapping is made would be lost. */
  StartingPosition: "TRIM_HORIZON";
  /** Without it, a reported failure is a success to Lambda. */
  FunctionResponseTypes: ["ReportBatchItemFailures"];
  /** Records at most in a batch, which holds 6 MB at most whatever this says. */
  BatchSize: number;
  /** Seconds to wait for more records: none. */
  MaximumBatchingWindowInSeconds: 0;
  /** One batch of a shard at a time, so that the records of one stream never meet. */
  ParallelizationFactor: 1;
  /** A batch that takes too long is tried in halves, in order. */
  BisectBatchOnFunctionError: true;
  /** Never given up: what is skipped here is lost. */
  MaximumRetryAttempts: -1;
  /** None is too old: DynamoDB keeps records for 24 hours. */
  MaximumRecordAgeInSeconds: -1;
  FilterCriteria?: { Filters: { Pattern: string }[] };
}

/**
 * The settings that `createLambdaHandler` needs, for the event source mapping of its function: the input of
 * CreateEventSourceMapping but for the names of function and stream, and easily read by infrastructure code. With filters,
 * records that match one of them are delivered (at most 5); without, all.
 *
 * A record that can't be handled holds up its shard until it can, or until DynamoDB drops it after 24 hours: watch the
 * function's metric `IteratorAge`.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
 */
export function eventSourceMapping(...filters: readonly RecordFilter[]): EventSourceMappingSettings {
  return {
    StartingPosition: "TRIM_HORIZON",
    FunctionResponseTypes: ["ReportBatchItemFailures"],
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 0,
    ParallelizationFactor: 1,
    BisectBatchOnFunctionError: true,
    MaximumRetryAttempts: -1,
    MaximumRecordAgeInSeconds: -1,
    ...(filters.length > 0 && { FilterCriteria: { Filters: filters.map(({ Pattern }) => ({ Pattern })) } }),
  };
}
