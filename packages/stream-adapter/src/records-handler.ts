import type { StreamRecord } from "./stream-record.ts";

/** What a handler is told beside the records. */
export interface HandlerContext {
  /** Aborted when the handler should come to an end: the time is nearly over, the shard was lost, or the worker stops. */
  readonly signal: AbortSignal;
  /** The shard that the records came from; undefined in Lambda, which does not tell it. */
  readonly shardId: string | undefined;
}

/**
 * Handles records of one shard in their order. When it resolves, all of them are done and will not come again (but for
 * redelivery after a crash). When it rejects, none counts as done, unless it rejects with `StoppedAtRecordError`: then those
 * before it do, and delivery goes on with it.
 */
export type RecordsHandler = (records: readonly StreamRecord[], context: HandlerContext) => Promise<void>;

/** A handler got through the records before this one. */
export class StoppedAtRecordError extends Error {
  override readonly name = "StoppedAtRecordError";
  readonly code = "stoppedAtRecord";
  readonly retryable = true;
  /** Index of the first record that is not done. */
  readonly index: number;

  constructor(index: number, options?: ErrorOptions) {
    super(`Record ${index} of the batch could not be handled.`, options);
    this.index = index;
  }
}

/** Makes a handler of records one by one: each begins when the one before it is done, and the first failure ends it. */
export function oneByOne(
  handle: (record: StreamRecord, context: HandlerContext) => Promise<void> | void,
): RecordsHandler {
  return async (records, context) => {
    for (const [index, record] of records.entries()) {
      try {
        context.signal.throwIfAborted();
        await handle(record, context);
      } catch (cause) {
        throw new StoppedAtRecordError(index, { cause });
      }
    }
  };
}
