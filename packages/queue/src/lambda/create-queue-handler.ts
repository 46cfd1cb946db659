import type { Runtime } from "@tuppence/core";
import type { RecordsHandler, StreamRecord } from "@tuppence/stream-adapter";
import {
  commitsFilter,
  createLambdaHandler,
  DEFAULT_MARGIN_MS,
  type EventSourceMappingSettings,
  eventSourceMapping,
  type LambdaHandlerOptions,
} from "@tuppence/stream-adapter/lambda";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import type {
  BatchConsumeOptions,
  BatchHandler,
  MessageConsumeOptions,
  MessageHandler,
  TransactionConsumeOptions,
  TransactionHandler,
} from "../group/consume-options.ts";
import { parseLaneResource } from "../group/group-definition.ts";
import type { GroupEvent } from "../group/group-event.ts";
import { createQueueGroups } from "../group/queue-groups.ts";
import { chainOf, checkName } from "../names.ts";
import { openContext, type QueuePlace } from "../open-context.ts";

/** How long a lane stays with an invocation that gives no sign of life, in ms: shorter than for a worker, as one is waited for. */
const LAMBDA_LEASE_DURATION_MS = 5_000;

/**
 * What is under way when the time of an invocation ends is given this part of its margin. The invocation ends after half of it, and by
 * then the lanes have to be let go: the next one would wait for them otherwise.
 */
const DRAIN_SHARE = 1 / 4;

/** One message at a time, batches, or batches whose writes are made together with the cursor. */
type Handles<Body> =
  | ({ readonly handler: MessageHandler<Body> } & Omit<MessageConsumeOptions, HostOptions>)
  | ({ readonly handler: BatchHandler<Body> } & Omit<BatchConsumeOptions, HostOptions>)
  | ({ readonly handler: TransactionHandler<Body> } & Omit<TransactionConsumeOptions, HostOptions>);

type HostOptions = "pollIntervalMs" | "maxIdleMs";

export type QueueHandlerOptions<Body = unknown> = QueuePlace &
  Omit<LambdaHandlerOptions, "runsWithoutRecords"> &
  Handles<Body> & {
    /** The queue's name. */
    readonly queue: string;
    readonly group: string;
    /** Clocks, chance and waiting, for tests. Default: the system's. */
    readonly runtime?: Partial<Runtime> | undefined;
  };

/**
 * Makes a Lambda handler that consumes a group of a queue: from the same cursors as consumers in processes, with the same guarantees,
 * and side by side with them. It is woken by the queue's new messages (settings of its event source mapping:
 * `queueEventSourceMapping(name)`), goes on from the cursors to the queue's end, and keeps nothing running. That records come twice, late or
 * in parts is no matter: they only say that there is something.
 *
 * A message that blocks its lane is told to Lambda as a record that failed, once the other lanes are at the queue's end; Lambda repeats
 * it until it succeeds. As the metric `Errors` stays at 0, watch `IteratorAge`. After `redrive`, invoke it once with
 * `{"Records": []}`: otherwise what is parked is handled with the next message.
 *
 * Give it a time-out of 30 seconds or more: lanes of an invocation that was killed are taken over after 5 to 7 seconds.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createQueueHandler<Body = unknown>(
  options: QueueHandlerOptions<Body>,
): (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse> {
  const { queue, group, handler, marginMs = DEFAULT_MARGIN_MS } = options;
  checkName("a queue", queue);
  const { context } = openContext(options, { name: queue, dedupWindowMs: 0, runtime: options.runtime });
  const { inner } = createQueueGroups(context);
  const consumeOptions = { leaseDurationMs: LAMBDA_LEASE_DURATION_MS, ...options };
  // What can't be is told when the function is loaded.
  inner.consumeWith(group, handler, consumeOptions);
  const handle: RecordsHandler = async (records, { signal }) => {
    const failures = new Map<number, unknown>();
    const onEvent = (event: GroupEvent): void => {
      options.onEvent?.(event);
      noteFailure(failures, event);
    };
    // What is done or passed over is stored at once: nobody knows when it would go on.
    const consumer = inner.consumeWith(group, handler, { ...consumeOptions, onEvent }, { passedStoreMs: 0 });
    const wait = { signal, isExcused: (lane: number) => failures.has(lane) };
    try {
      await consumer.start();
      const position = lastPosition(records, chainOf(queue));
      await consumer.caughtUp({ ...wait, position, waitsForRedrives: records.length === 0 });
      // Later records do not come before these are done: what is not blocked must not wait for them.
      if (failures.size > 0) await consumer.caughtUp(wait);
    } finally {
      await consumer.stop({ drainMs: marginMs * DRAIN_SHARE });
    }
    for (const error of failures.values()) throw error;
  };
  return createLambdaHandler(handle, { ...options, runsWithoutRecords: true });
}

/** Keeps for which lanes something is in the way. */
function noteFailure(failures: Map<number, unknown>, event: GroupEvent): void {
  if (event.type === "blocked") failures.set(event.lane, event.error);
  else if (event.type === "handled") failures.delete(event.lane);
  else if (event.type === "lease" && event.event.type === "runFailed") {
    failures.set(parseLaneResource(event.event.resource).lane, event.event.error);
  }
}

/** The last position that new items of the queue tell of; undefined when there are none. */
function lastPosition(records: readonly StreamRecord[], chain: string): number | undefined {
  const positions = records.flatMap((record) => {
    if (record.kind !== "commit" || record.chain !== chain) return [];
    const { s: first, n: count } = record.newImage;
    return [Number(first?.N) + Number(count?.N ?? 1) - 1];
  });
  return positions.length === 0 ? undefined : Math.max(...positions);
}

/** The settings of the event source mapping for `createQueueHandler`: only new messages of the queue wake it, many at a time. */
export function queueEventSourceMapping(queue: string): EventSourceMappingSettings {
  checkName("a queue", queue);
  return { ...eventSourceMapping(commitsFilter({ chain: chainOf(queue) })), BatchSize: 1_000 };
}
