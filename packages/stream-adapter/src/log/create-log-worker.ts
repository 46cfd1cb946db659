import { auditLog, createSequencer, DEFAULT_TABLE_PREFIX, eventsTable } from "@tuppence/core";
import { createStreamWorker, type StreamWorkerOptions } from "../worker/create-stream-worker.ts";
import type { StreamWorker } from "../worker/stream-worker.ts";
import { type LateOptions, logRecordsHandler } from "./log-records-handler.ts";
import { repairOnce } from "./repair-once.ts";

/** The group of the workers that feed the log, when nothing else is said. */
export const DEFAULT_LOG_GROUP = "log";

export interface LogWorkerOptions
  extends Omit<StreamWorkerOptions, "tableName" | "handler" | "onGap" | "group">,
    LateOptions {
  /** Default `log`. */
  readonly group?: string | undefined;
}

/**
 * Creates a worker that puts every event of a store into its global log. Run it in one process or several: they share the
 * stream's shards, and however many there are, each event gets one position. What DynamoDB Streams has dropped before a
 * worker came to it, after an outage of more than 24 hours or in a table that is older than its log, is looked for in the
 * table and put into the log.
 *
 * Cost: that of `createStreamWorker` and of `Sequencer.sequence`; after a gap, that of `auditLog`.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createLogWorker(options: LogWorkerOptions): StreamWorker {
  const { group = DEFAULT_LOG_GROUP, tablePrefix = DEFAULT_TABLE_PREFIX } = options;
  const { client, runtime } = options;
  const sequencer = createSequencer({ client, tablePrefix, runtime });
  return createStreamWorker({
    ...options,
    group,
    tablePrefix,
    tableName: String(eventsTable(tablePrefix).TableName),
    handler: logRecordsHandler(sequencer, options),
    // Nothing is too young: what comes after the gap may need what is before it, and nothing gets there twice.
    onGap: repairOnce(() => auditLog({ client, tablePrefix, runtime, repair: true, graceMs: 0 })),
  });
}
