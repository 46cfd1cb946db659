import { createSequencer, type SequencerOptions } from "@tuppence/core";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { type LateOptions, logRecordsHandler } from "../log/log-records-handler.ts";
import { createLambdaHandler, type LambdaHandlerOptions } from "./create-lambda-handler.ts";
import { type EventSourceMappingSettings, eventSourceMapping } from "./event-source-mapping.ts";
import { COMMITS_FILTER } from "./filters.ts";

export interface LogHandlerOptions extends SequencerOptions, LambdaHandlerOptions, LateOptions {}

/**
 * Makes a Lambda handler that puts every event of a store into its global log. Make it once, outside of the handler: what it
 * remembers of the log saves reading it. Its event source mapping is `logEventSourceMapping()`. Lambda runs one of it for
 * each shard, which is safe.
 *
 * Lambda does not tell of records that were dropped before it came to them, after an outage of more than 24 hours or in a
 * table that is older than its mapping: `auditLog({ client, repair: true })` finds them.
 *
 * Cost: that of `Sequencer.sequence`; reading the stream is free for Lambda.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CostOptimization_StreamsUsage.html
 */
export function createLogHandler(
  options: LogHandlerOptions,
): (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse> {
  return createLambdaHandler(logRecordsHandler(createSequencer(options), options), options);
}

/** The settings of the event source mapping for `createLogHandler`: larger batches, as a page holds what a batch has. */
export function logEventSourceMapping(): EventSourceMappingSettings {
  return { ...eventSourceMapping(COMMITS_FILTER), BatchSize: 1_000 };
}
