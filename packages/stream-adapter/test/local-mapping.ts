import { type LocalClientConfig, startDynamoDBLocal } from "@tuppence/local";
import {
  type EventSourceMapping,
  type LocalFunction,
  type MappingOptions,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import type { EventSourceMappingSettings } from "../src/lambda/index.ts";

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

/** The environment that leads a function's own clients to a local database, as its role would on Lambda. */
export function environmentOf(config: LocalClientConfig): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: config.endpoint,
    AWS_REGION: config.region,
    AWS_ACCESS_KEY_ID: config.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: config.credentials.secretAccessKey,
  };
}

/** An empty database in the server that the tests share. */
export async function openDatabase(name: string): Promise<LocalClientConfig> {
  return (await startDynamoDBLocal({ log: false })).clientConfig(name);
}
