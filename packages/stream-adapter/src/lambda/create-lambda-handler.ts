import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { decodeRecord } from "../decode-record.ts";
import type { RecordsHandler, StoppedAtRecordError } from "../records-handler.ts";
import type { StreamRecord } from "../stream-record.ts";

/** How long before an invocation's end its handler is asked to stop, in milliseconds. */
export const DEFAULT_MARGIN_MS = 2_000;

export interface LambdaHandlerOptions {
  /**
   * How long before the end of the invocation the handler's signal is aborted, in milliseconds. Half of it later the
   * invocation ends whether the handler did or not. Default 2,000; never more than half of the time there is.
   */
  readonly marginMs?: number | undefined;
  /** Whether an invocation without records, by hand say, runs the handler too. Default false. */
  readonly runsWithoutRecords?: boolean | undefined;
  /**
   * Is told of every batch that was not done to its end. Default: `console`, because nothing else would show it: for
   * Lambda, an invocation that reports a failed record has succeeded, and its metric `Errors` stays at 0.
   */
  readonly logger?: FailureLogger | undefined;
}

/** The part of a logger that is needed. */
export interface FailureLogger {
  warn(object: object, message: string): void;
  error(object: object, message: string): void;
}

/** The time of an invocation is nearly over: the reason that the handler's signal is aborted with. */
export class InvocationEndingError extends Error {
  override readonly name = "InvocationEndingError";
  readonly code = "invocationEnding";
  readonly retryable = true;
}

/**
 * Makes a Lambda handler for a DynamoDB stream. It decodes the batch and hands it on in order; when that fails it reports
 * exactly one record, the first that is not done, so that Lambda delivers that one and all after it again. The event source
 * mapping needs the settings of `eventSourceMapping()`: without `ReportBatchItemFailures`, Lambda takes the report for a success.
 *
 * It rejects, and Lambda delivers the whole batch again, when the time was over before any record was done (with
 * `BisectBatchOnFunctionError`, Lambda tries half of the batch then), and when no record up to the failed one has a sequence
 * number to report. After a rejection or a report, a handler that does not heed its signal goes on in the next invocation.
 *
 * The handler made rejects with a TypeError for an event that is not of a DynamoDB stream.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 *
 * @throws TypeError, RangeError for a handler that is none and a margin that is not above 0.
 */
export function createLambdaHandler(
  handler: RecordsHandler,
  options: LambdaHandlerOptions = {},
): (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse> {
  const { marginMs = DEFAULT_MARGIN_MS, runsWithoutRecords = false, logger = CONSOLE } = options;
  if (typeof handler !== "function") throw new TypeError(`The handler is ${typeof handler}, no function.`);
  if (!(marginMs > 0 && Number.isFinite(marginMs))) {
    throw new RangeError(`marginMs is ${marginMs}; it has to be above 0.`);
  }
  return async (event, context) => {
    const records = recordsIn(event);
    if (records.length === 0 && !runsWithoutRecords) return { batchItemFailures: [] };
    const failure = await runInTime({ handler, records, context, marginMs, logger });
    if (failure === undefined) return { batchItemFailures: [] };
    const index = firstNotDone(failure.error, records.length);
    const itemIdentifier = failure.outOfTime && index === 0 ? undefined : placeUpTo(records, index);
    const facts = { error: failure.error, itemIdentifier, done: index, of: records.length };
    if (failure.outOfTime)
      logger.warn(facts, "The time of the invocation was over before its batch was done.");
    else logger.error(facts, "A record could not be handled. It is delivered again, with all after it.");
    if (itemIdentifier === undefined) throw failure.error;
    return { batchItemFailures: [{ itemIdentifier }] };
  };
}

const CONSOLE: FailureLogger = {
  warn: (object, message) => console.warn(message, object),
  error: (object, message) => console.error(message, object),
};

const SOURCE = "aws:dynamodb";

/** The records of an event. A reply to another kind of event could mean anything: SQS would delete its messages. */
function recordsIn(event: DynamoDBStreamEvent): StreamRecord[] {
  const records: unknown = (event as Partial<DynamoDBStreamEvent> | undefined)?.Records;
  if (!Array.isArray(records)) {
    throw new TypeError(`The event is none of a DynamoDB stream: its Records are ${typeof records}.`);
  }
  for (const record of records as readonly ({ readonly eventSource?: unknown } | null)[]) {
    const source = record?.eventSource ?? SOURCE;
    if (source !== SOURCE) {
      throw new TypeError(
        `The event is none of a DynamoDB stream: its eventSource is ${JSON.stringify(source)}.`,
      );
    }
  }
  return records.map(decodeRecord);
}

interface Failure {
  readonly error: unknown;
  readonly outOfTime: boolean;
}

interface Invocation {
  readonly handler: RecordsHandler;
  readonly records: readonly StreamRecord[];
  readonly context: Context;
  readonly logger: FailureLogger;
  readonly marginMs: number;
}

/** Runs the handler until it ends or there is no more time; answers why it did not get to the end. */
async function runInTime(invocation: Invocation): Promise<Failure | undefined> {
  const { handler, records, logger } = invocation;
  const leftMs = invocation.context.getRemainingTimeInMillis();
  const marginMs = Math.min(invocation.marginMs, leftMs / 2);
  const ending = new AbortController();
  const ended = (async () => handler(records, { signal: ending.signal, shardId: undefined }))().then(
    () => undefined,
    (error: unknown): Failure => ({ error, outOfTime: ending.signal.aborted }),
  );
  const stop = setTimeout(
    () => ending.abort(new InvocationEndingError("The time of the invocation is nearly over.")),
    leftMs - marginMs,
  );
  let giveUp: NodeJS.Timeout | undefined;
  const gaveUp = new Promise<"gave up">((resolve) => {
    giveUp = setTimeout(() => resolve("gave up"), leftMs - marginMs / 2);
  });
  try {
    const outcome = await Promise.race([ended, gaveUp]);
    if (outcome !== "gave up") return outcome;
    void ended.then((late) =>
      logger.error(
        { error: late?.error },
        "A handler ended after its invocation: it did not heed its signal.",
      ),
    );
    return { error: ending.signal.reason, outOfTime: true };
  } finally {
    clearTimeout(stop);
    clearTimeout(giveUp);
  }
}

/** The index of the first record that is not done: by the contract of handlers, the first of all unless they say more. */
function firstNotDone(error: unknown, count: number): number {
  const { code, index } = (error ?? {}) as Partial<Pick<StoppedAtRecordError, "code" | "index">>;
  if (code !== "stoppedAtRecord" || index === undefined) return 0;
  // An index that is none must not let a record be skipped.
  return Number.isInteger(index) && index >= 0 && index < count ? index : 0;
}

/**
 * The place of a record, or of the nearest before it that has one: delivering a few once too often is allowed, skipping
 * is not. An empty place would be the whole batch again, and one that is missing a success.
 */
function placeUpTo(records: readonly StreamRecord[], index: number): string | undefined {
  return records.slice(0, index + 1).findLast(({ sequenceNumber }) => sequenceNumber !== undefined)
    ?.sequenceNumber;
}
