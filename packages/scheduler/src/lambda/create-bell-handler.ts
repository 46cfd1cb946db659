import type { RecordsHandler, StreamRecord } from "@tuppence/stream-adapter";
import {
  createLambdaHandler,
  type EventSourceMappingSettings,
  eventSourceMapping,
  type LambdaHandlerOptions,
  type RecordFilter,
} from "@tuppence/stream-adapter/lambda";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { ring } from "../drain/ring.ts";
import { BELL_SORT, bellPlace } from "../entries/keys.ts";
import { endOfMinute } from "../minutes/minute.ts";
import { createContext, type FiringOptions, type SchedulerPlace } from "../create-context.ts";
import { DEFAULT_CONCURRENCY } from "../drain/drain-minute.ts";

export type BellHandlerOptions = SchedulerPlace &
  FiringOptions &
  Omit<LambdaHandlerOptions, "runsWithoutRecords"> & {
    /** Occurrences that are fired at a time. Default 64. */
    readonly concurrency?: number | undefined;
  };

/**
 * Makes a Lambda handler that fires what is due whenever TTL has removed a doorbell. Settings of its event source mapping:
 * `bellEventSourceMapping()`; nothing runs, and nothing is paid, until then. It is as punctual as TTL is: minutes as a rule, AWS promises no
 * bound. Beside workers it takes over what they leave behind.
 *
 * Cost: that of what is fired, and for each doorbell 1 RCU and that of looking at the minutes that are open.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 *
 * @throws TypeError, RangeError for options that can't be.
 */
export function createBellHandler(
  options: BellHandlerOptions,
): (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse> {
  const context = createContext(options);
  const { concurrency = DEFAULT_CONCURRENCY } = options;
  const handle: RecordsHandler = async (records, { signal }) => {
    for (const [shard, provenMs] of bellsIn(records)) {
      await ring({ ...context, concurrency, signal }, shard, provenMs);
    }
  };
  return createLambdaHandler(handle, options);
}

/** The settings of its event source mapping: only doorbells that TTL has removed wake it, not what else expires. */
export function bellEventSourceMapping(): EventSourceMappingSettings {
  return { ...eventSourceMapping(BELLS_FILTER), BatchSize: 1_000 };
}

/**
 * Doorbells that DynamoDB removed because their time had come.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
 */
const BELLS_FILTER: RecordFilter = {
  Pattern: JSON.stringify({
    eventName: ["REMOVE"],
    userIdentity: { type: ["Service"], principalId: ["dynamodb.amazonaws.com"] },
    dynamodb: { Keys: { s: { S: [BELL_SORT] } } },
  }),
};

/** The shards whose doorbells rang, and the latest of their times. */
function bellsIn(records: readonly StreamRecord[]): ReadonlyMap<number, number> {
  const bells = new Map<number, number>();
  for (const record of records) {
    if (record.kind !== "expiration") continue;
    const place = bellPlace(String(record.keys["p"]?.S));
    if (place === undefined) continue;
    const ttl = record.oldImage?.["ttl"]?.N;
    const rangMs = ttl === undefined ? endOfMinute(place.minute) : Number(ttl) * 1_000;
    bells.set(place.shard, Math.max(rangMs, bells.get(place.shard) ?? 0));
  }
  return bells;
}
