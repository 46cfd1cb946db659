import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import { createLeaseGroup } from "@tuppence/core/leases";
import { decodeRecord } from "../decode-record.ts";
import type { RecordsHandler } from "../records-handler.ts";
import type { GapHandler } from "./shard-reader.ts";
import { PollingWorker, type StreamWorker } from "./stream-worker.ts";
import { createStreamsApi } from "./streams-api.ts";
import type { WorkerEvent } from "./worker-event.ts";
import { WORKER_GUARDS } from "./worker-guards.ts";

/**
 * The most records of one request, and so of one batch.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
 */
export const MAX_BATCH_SIZE = 1_000;

/** The longest pause between requests for records of a shard, when nothing else is said. */
export const DEFAULT_MAX_IDLE_MS = 1_000;

const MIN_IDLE_MS = 200;

export interface StreamWorkerOptions {
  readonly streams: DynamoDBStreamsClient;
  /** For the leases, in the table `<tablePrefix>-control`. */
  readonly client: DynamoDBClient;
  /** The table whose stream is read. */
  readonly tableName: string;
  /** Workers of one group share the shards among them; groups know nothing of each other. */
  readonly group: string;
  /** Handles the records of a shard in their order, again if it fails or the process crashes. */
  readonly handler: RecordsHandler;
  /** Told of records that can't be read any more, and waited for, before those that follow are handled. Default: nothing. */
  readonly onGap?: GapHandler | undefined;
  /** Sees what happens. Default: nobody does. */
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined;
  /** The most records that the handler gets at once, from 1 to 1,000, the default. Fewer cost more requests. */
  readonly batchSize?: number | undefined;
  /**
   * The longest pause between requests to a shard without new records, in ms, from 200. Default 1,000: some 60 billed
   * requests a minute for each open shard. It bounds the delay of the first record after a quiet time.
   */
  readonly maxIdleMs?: number | undefined;
  /** Default `tuppence`. */
  readonly tablePrefix?: string | undefined;
  /** Part of the owner's name in leases. Default: none. */
  readonly workerId?: string | undefined;
  /** After how long another worker takes over from one that is gone, in ms. Default: the lease group's. */
  readonly leaseDurationMs?: number | undefined;
  readonly runtime?: Partial<Runtime> | undefined;
}

/**
 * Creates a worker that reads a table's stream: every record at least once, each shard in its order, parents before
 * children, from the oldest record that is kept.
 *
 * Cost: each request for records is billed, empty or not, $0.02 for 100,000 in us-east-1 after the first 2.5 million of a
 * month, https://aws.amazon.com/dynamodb/pricing/on-demand/; a batch costs 1 WCU for the position; leases cost what
 * `createLeaseGroup` says.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createStreamWorker(options: StreamWorkerOptions): StreamWorker {
  const { streams, client, tableName, group, handler, runtime } = options;
  const { batchSize = MAX_BATCH_SIZE, maxIdleMs = DEFAULT_MAX_IDLE_MS } = options;
  checkName("tableName", tableName);
  checkName("group", group);
  if (typeof handler !== "function") throw new TypeError(`handler is ${typeof handler}, not a function.`);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH_SIZE) {
    throw new RangeError(`batchSize is ${batchSize}; it has to be an integer from 1 to ${MAX_BATCH_SIZE}.`);
  }
  if (!Number.isFinite(maxIdleMs) || maxIdleMs < MIN_IDLE_MS) {
    throw new RangeError(`maxIdleMs is ${maxIdleMs}; it has to be ${MIN_IDLE_MS} or more.`);
  }
  const { tablePrefix, workerId, leaseDurationMs } = options;
  const leases = createLeaseGroup({
    client,
    tablePrefix,
    // Two tables may have consumers of one name.
    group: `stream|${tableName}|${group}`,
    workerId,
    leaseDurationMs,
    runtime,
  });
  return new PollingWorker({
    api: createStreamsApi(streams),
    leases,
    runtime: { ...SYSTEM_RUNTIME, ...runtime },
    guards: WORKER_GUARDS,
    tableName,
    decode: decodeRecord,
    handler,
    onGap: options.onGap ?? (async (): Promise<void> => undefined),
    onEvent: options.onEvent ?? ((): void => undefined),
    batchSize,
    maxIdleMs,
  });
}

function checkName(option: string, name: unknown): void {
  if (typeof name !== "string" || name === "")
    throw new TypeError(`${option} is ${JSON.stringify(name)}, not a name.`);
}
