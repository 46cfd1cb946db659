import type { FailureRecord } from "./failure-record.ts";
import { type FilterPattern, recordFilter } from "./filter-pattern.ts";
import type { LocalFunction } from "./local-function.ts";

/** Lambda's own default: records in a batch. */
export const DEFAULT_BATCH_SIZE = 100;

/**
 * How an event source mapping behaves, by the service's names, defaults and limits.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
 */
export interface MappingOptions {
  /** What is invoked. */
  readonly function: LocalFunction;
  /** Where to begin: TRIM_HORIZON, the oldest record there is, or LATEST, what is written from now on. */
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  /** Records in a batch, 1 to 10,000; default: 100. A batch has at most 6 MB of JSON, whatever this says. */
  readonly batchSize?: number | undefined;
  /** How long to gather records for a batch, in milliseconds, 0 to 300,000; default: 0. */
  readonly maximumBatchingWindowMs?: number | undefined;
  /** Whether `batchItemFailures` in a reply count (ReportBatchItemFailures); default: false. */
  readonly reportBatchItemFailures?: boolean | undefined;
  /** Whether a failed batch is split in two; default: false. */
  readonly bisectBatchOnFunctionError?: boolean | undefined;
  /** How often a failed batch is tried again, 0 to 10,000; default: -1, for ever. */
  readonly maximumRetryAttempts?: number | undefined;
  /** How old a record may be when it is delivered, in seconds, 60 to 604,800; default: -1, any age. */
  readonly maximumRecordAgeSeconds?: number | undefined;
  /** How many batches of one shard may be under way, each item's records in order, 1 to 10; default: 1. */
  readonly parallelizationFactor?: number | undefined;
  /** Which records go to the function: those that any of these matches; default: all. At most 10. */
  readonly filterPatterns?: readonly FilterPattern[] | undefined;
  /** Gets what the on-failure destination would get, and is waited for; default: what is given up is gone. */
  readonly onFailure?: ((record: FailureRecord) => unknown) | undefined;
}

/** Settings of an event source mapping by the names of CreateEventSourceMapping, as infrastructure code has them. */
export interface ServiceMappingSettings {
  readonly StartingPosition: "TRIM_HORIZON" | "LATEST";
  readonly BatchSize?: number | undefined;
  readonly MaximumBatchingWindowInSeconds?: number | undefined;
  readonly FunctionResponseTypes?: readonly string[] | undefined;
  readonly BisectBatchOnFunctionError?: boolean | undefined;
  readonly MaximumRetryAttempts?: number | undefined;
  readonly MaximumRecordAgeInSeconds?: number | undefined;
  readonly ParallelizationFactor?: number | undefined;
  readonly FilterCriteria?: { readonly Filters?: readonly { readonly Pattern?: string }[] } | undefined;
}

/**
 * The options of a mapping on this machine that is deployed with these settings: so a test runs with what will run on AWS.
 * https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
 */
export function mappingOptions(settings: ServiceMappingSettings): Omit<MappingOptions, "function"> {
  const { MaximumBatchingWindowInSeconds: windowSeconds } = settings;
  return {
    startingPosition: settings.StartingPosition,
    batchSize: settings.BatchSize,
    maximumBatchingWindowMs: windowSeconds === undefined ? undefined : 1_000 * windowSeconds,
    reportBatchItemFailures: settings.FunctionResponseTypes?.includes("ReportBatchItemFailures"),
    bisectBatchOnFunctionError: settings.BisectBatchOnFunctionError,
    maximumRetryAttempts: settings.MaximumRetryAttempts,
    maximumRecordAgeSeconds: settings.MaximumRecordAgeInSeconds,
    parallelizationFactor: settings.ParallelizationFactor,
    filterPatterns: settings.FilterCriteria?.Filters?.flatMap(({ Pattern }) => Pattern ?? []),
  };
}

/** Options that were checked, with their defaults. */
export interface MappingSettings {
  readonly function: LocalFunction;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  readonly batchSize: number;
  readonly maximumBatchingWindowMs: number;
  readonly reportBatchItemFailures: boolean;
  readonly bisectBatchOnFunctionError: boolean;
  readonly maximumRetryAttempts: number;
  readonly maximumRecordAgeSeconds: number;
  readonly parallelizationFactor: number;
  readonly matches: (record: unknown) => boolean;
  readonly onFailure: (record: FailureRecord) => unknown;
}

/**
 * Checks options as the service does, and fills in its defaults.
 *
 * @throws RangeError when a number is not in its range
 * @throws TypeError when the starting position or a filter pattern is none
 */
export function mappingSettings(options: MappingOptions): MappingSettings {
  const { startingPosition, maximumRecordAgeSeconds = -1 } = options;
  if (startingPosition !== "TRIM_HORIZON" && startingPosition !== "LATEST") {
    throw new TypeError(`startingPosition is TRIM_HORIZON or LATEST, not ${String(startingPosition)}`);
  }
  if (maximumRecordAgeSeconds !== -1) {
    checked("maximumRecordAgeSeconds", maximumRecordAgeSeconds, [60, 604_800]);
  }
  return {
    function: options.function,
    startingPosition,
    batchSize: checked("batchSize", options.batchSize ?? DEFAULT_BATCH_SIZE, [1, 10_000]),
    maximumBatchingWindowMs: checked(
      "maximumBatchingWindowMs",
      options.maximumBatchingWindowMs ?? 0,
      [0, 300_000],
    ),
    reportBatchItemFailures: options.reportBatchItemFailures ?? false,
    bisectBatchOnFunctionError: options.bisectBatchOnFunctionError ?? false,
    maximumRetryAttempts: checked("maximumRetryAttempts", options.maximumRetryAttempts ?? -1, [-1, 10_000]),
    maximumRecordAgeSeconds,
    parallelizationFactor: checked("parallelizationFactor", options.parallelizationFactor ?? 1, [1, 10]),
    matches: recordFilter(options.filterPatterns ?? []),
    onFailure: options.onFailure ?? (() => undefined),
  };
}

function checked(name: string, value: number, [least, most]: readonly [number, number]): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} is an integer from ${least} to ${most}, not ${value}`);
  }
  return value;
}
