import type { RecordsHandler, StreamRecord } from "@tuppence/stream-adapter";
import {
  createLambdaHandler,
  type EventSourceMappingSettings,
  eventSourceMapping,
  type LambdaHandlerOptions,
  type RecordFilter,
} from "@tuppence/stream-adapter/lambda";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { ringBells, type RungBell } from "../drain/ring-bells.ts";
import { BELL_SORT, bellPlace } from "../entries/keys.ts";
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
    await ringBells({ ...context, concurrency, signal }, bellsIn(records));
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

/** The doorbells that rang. */
function bellsIn(records: readonly StreamRecord[]): readonly RungBell[] {
  return records.flatMap((record) => {
    if (record.kind !== "expiration") return [];
    const place = bellPlace(String(record.keys["p"]?.S));
    if (place === undefined) return [];
    const ttl = record.oldImage?.["ttl"]?.N;
    return [{ ...place, provenMs: Number(ttl ?? 0) * 1_000 }];
  });
}
