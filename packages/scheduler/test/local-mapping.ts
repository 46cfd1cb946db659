import type { LocalClientConfig } from "@tuppence/local";
import {
  type EventSourceMapping,
  type LocalFunction,
  type MappingOptions,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import type { EventSourceMappingSettings } from "@tuppence/stream-adapter/lambda";

/** What drives a function from a table's stream, with settings in the names of CreateEventSourceMapping. */
export interface Wiring {
  readonly config: LocalClientConfig;
  readonly tableName: string;
  readonly function: LocalFunction;
  readonly settings: EventSourceMappingSettings;
}

/** Connects a function with a table's stream, as AWS would from the same settings. */
export function connect({ settings, ...wiring }: Wiring): Promise<EventSourceMapping> {
  return startEventSourceMapping({ ...wiring, ...localSettings(settings) });
}

function localSettings(settings: EventSourceMappingSettings): Omit<MappingOptions, "function"> {
  return {
    startingPosition: settings.StartingPosition,
    batchSize: settings.BatchSize,
    maximumBatchingWindowMs: 1_000 * settings.MaximumBatchingWindowInSeconds,
    reportBatchItemFailures: settings.FunctionResponseTypes.includes("ReportBatchItemFailures"),
    bisectBatchOnFunctionError: settings.BisectBatchOnFunctionError,
    maximumRetryAttempts: settings.MaximumRetryAttempts,
    maximumRecordAgeSeconds: settings.MaximumRecordAgeInSeconds,
    parallelizationFactor: settings.ParallelizationFactor,
    filterPatterns: settings.FilterCriteria?.Filters.map(({ Pattern }) => Pattern),
  };
}
