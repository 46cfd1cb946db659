import type { EventDefinitions } from "@tuppence/core";
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
import { slotResource } from "../builds/names.ts";
import type { SlotRef } from "../run/parked-event.ts";
import type { ProjectionEvent } from "../run/projection-event.ts";
import {
  createProjectionWorkerOn,
  openLog,
  type ProjectionPlace,
  type WorkerSettings,
} from "../worker/create-projection-worker.ts";
import { lastSlot } from "./last-slot.ts";

/** How long a slot stays with an invocation that gives no sign of life, in milliseconds: shorter than for a worker, as one is waited for. */
const LAMBDA_LEASE_DURATION_MS = 5_000;

/**
 * What is under way when the time of an invocation ends is given this part of its margin. The invocation ends after half of it, and by then the
 * slots have to be let go: the next one would wait for them otherwise.
 */
const DRAIN_SHARE = 1 / 4;

/** The chain of the global log. */
const LOG_CHAIN = "$all";

export type ProjectionHandlerOptions<Definitions extends EventDefinitions = EventDefinitions> =
  ProjectionPlace &
    Omit<WorkerSettings<Definitions>, "pollIntervalMs" | "checkpointIntervalMs"> &
    Omit<LambdaHandlerOptions, "runsWithoutRecords">;

/**
 * Makes a Lambda handler that runs projections: the same definitions as a worker runs, with the same results, and side by side with
 * one. It is woken by new pages of the global log (settings of its event source mapping: `projectionEventSourceMapping()`), goes on from the
 * stored positions to the log's end, and keeps nothing running. When the time of an invocation is over before it is there, a rebuild say,
 * Lambda invokes it again at once, and it goes on.
 *
 * An event that halts a projection is told to Lambda as a record that failed, once the other projections are at the log's end; Lambda repeats
 * it until it succeeds. As the metric `Errors` stays at 0, watch `IteratorAge`. After a deployment with a new version, invoke it once
 * with `{"Records": []}`: otherwise the rebuild begins with the next event.
 *
 * Give it a time-out of 30 seconds or more: slots of an invocation that was killed are taken over after 5 to 7 seconds.
 *
 * Cost of an invocation: 3 WCU for each slot (lease, position, release), and 2 WCU for all; 1.5 RCU for each slot, and about 8 RCU for all
 * (2 more for each 100 ms that it lasts longer); documents as their modes say. One event for one projection takes some 20 requests.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createProjectionHandler<Definitions extends EventDefinitions>(
  options: ProjectionHandlerOptions<Definitions>,
): (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse> {
  const log = openLog(options);
  const { marginMs = DEFAULT_MARGIN_MS } = options;
  const handle: RecordsHandler = async (records, { signal }) => {
    const failures = new Map<string, unknown>();
    const onEvent = (event: ProjectionEvent): void => {
      options.onEvent?.(event);
      if (event.type === "registrationFailed") failures.set(event.projection, event.error);
      if (event.type === "halted") failures.set(resourceOf(event), event.error);
      if (event.type === "batchHandled") failures.delete(resourceOf(event));
    };
    const worker = createProjectionWorkerOn(
      {
        leaseDurationMs: LAMBDA_LEASE_DURATION_MS,
        ...options,
        // What is done is stored at once: nobody knows when it would go on.
        checkpointIntervalMs: 0,
        onEvent,
      },
      { log },
    );
    const wait = { signal, isExcused: (resource: string) => failures.has(resource) };
    worker.start();
    try {
      await worker.reached({ ...wait, position: lastPosition(records) });
      // Later records do not come before these are done: what is not halted must not wait for them.
      if (failures.size > 0) await worker.reached(wait);
    } finally {
      await worker.stop({ drainMs: marginMs * DRAIN_SHARE });
    }
    for (const error of failures.values()) throw error;
  };
  return createLambdaHandler(handle, { ...options, runsWithoutRecords: true });
}

function resourceOf({ projection, build, slot }: SlotRef): string {
  return slotResource(projection, build, slot);
}

/** The last position that pages of the log tell of; undefined when there are none. */
function lastPosition(records: readonly StreamRecord[]): number | undefined {
  const positions = records.flatMap((record) =>
    record.kind === "commit" && record.chain === LOG_CHAIN ? [lastSlot(record)] : [],
  );
  return positions.length === 0 ? undefined : Math.max(...positions);
}

/** The settings of the event source mapping for `createProjectionHandler`: only pages of the log wake it, many at a time. */
export function projectionEventSourceMapping(): EventSourceMappingSettings {
  return { ...eventSourceMapping(commitsFilter({ chain: LOG_CHAIN })), BatchSize: 1_000 };
}
