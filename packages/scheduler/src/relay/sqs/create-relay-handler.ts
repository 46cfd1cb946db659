import type { FailureLogger } from "@tuppence/stream-adapter/lambda";
import { DEFAULT_MARGIN_MS, InvocationEndingError } from "@tuppence/stream-adapter/lambda";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { createContext, type FiringOptions, type SchedulerPlace } from "../../create-context.ts";
import { DEFAULT_CONCURRENCY } from "../../drain/drain-minute.ts";
import { CONSOLE_LOGGER } from "../../receiver/console-logger.ts";
import { type CarryingContext, carryWakeUp } from "../carry-wake-up.ts";
import type { ReceivedWakeUp, Relay, WakeUp } from "../relay.ts";

export type RelayHandlerOptions = SchedulerPlace &
  Omit<FiringOptions, "relay"> & {
    readonly relay: Relay;
    /** Occurrences that are fired at a time, for each wake-up. Default 64. */
    readonly concurrency?: number | undefined;
    /** Is told of wake-ups that failed. Default: `console`. */
    readonly logger?: FailureLogger | undefined;
  };

/**
 * Makes a Lambda handler for the queue of a relay: it holds wake-ups until their second, and fires what is due then. Settings of its event
 * source mapping: `relayEventSourceMapping()`. The time-out of the queue's visibility has to be above that of the function (six times it, says
 * AWS): after it, what was not done comes again. Let the queue keep messages for a day, and put none aside before ten receives.
 *
 * It depends on this: a message that a function has made invisible for a time, and then reports as failed, comes again after that time.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 *
 * The handler made rejects with a TypeError for an event that is none of SQS.
 *
 * @throws TypeError, RangeError for options that can't be.
 */
export function createRelayHandler(
  options: RelayHandlerOptions,
): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
  const { relay, concurrency = DEFAULT_CONCURRENCY, logger = CONSOLE_LOGGER } = options;
  const context = createContext(options);
  return async (event, invocation) => {
    const records = (event as Partial<SQSEvent> | undefined)?.Records;
    if (!Array.isArray(records)) throw new TypeError("The event is none of SQS: it has no Records.");
    const ending = new AbortController();
    const leftMs = invocation.getRemainingTimeInMillis();
    const timer = setTimeout(
      () => ending.abort(new InvocationEndingError("The time of the invocation is nearly over.")),
      leftMs - Math.min(DEFAULT_MARGIN_MS, leftMs / 2),
    );
    const carrying = { ...context, relay, concurrency, signal: ending.signal };
    try {
      const again = await Promise.all(records.map((record) => carry(carrying, record, logger)));
      const batchItemFailures = records
        .filter((_, index) => again[index])
        .map(({ messageId }) => ({ itemIdentifier: messageId }));
      return { batchItemFailures };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Answers whether the message has to come again. */
async function carry(context: CarryingContext, record: SQSRecord, logger: FailureLogger): Promise<boolean> {
  try {
    return (await carryWakeUp(context, receivedIn(record))) === "comes again";
  } catch (error) {
    logger.error({ error, messageId: record.messageId }, "A wake-up failed. It comes again.");
    return true;
  }
}

function receivedIn({ body, receiptHandle, attributes }: SQSRecord): ReceivedWakeUp {
  const { shard, minute, atMs } = JSON.parse(body) as Partial<WakeUp>;
  if (!(Number.isInteger(shard) && Number.isInteger(minute) && Number.isInteger(atMs))) {
    throw new TypeError(`A message is no wake-up: ${body}`);
  }
  const wakeUp = { shard: Number(shard), minute: Number(minute), atMs: Number(atMs) };
  return { wakeUp, receipt: receiptHandle, receives: Number(attributes.ApproximateReceiveCount) };
}

/** The part of a relay's event source mapping that depends on this package, in the words of Lambda's API. */
export interface RelayMappingSettings {
  readonly FunctionResponseTypes: ["ReportBatchItemFailures"];
  readonly BatchSize: number;
  readonly MaximumBatchingWindowInSeconds: number;
}

/** The settings of its event source mapping: what failed is told one by one, and nothing waits for a batch to fill. */
export function relayEventSourceMapping(): RelayMappingSettings {
  return {
    FunctionResponseTypes: ["ReportBatchItemFailures"],
    BatchSize: 10,
    MaximumBatchingWindowInSeconds: 0,
  };
}
