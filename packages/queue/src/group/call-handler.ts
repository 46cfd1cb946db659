import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { LinkedAbort, pause } from "@tuppence/core";
import type { BatchContext, HandlerContext } from "./consume-options.ts";
import { HandlerTimeoutError } from "./group-errors.ts";
import type { LaneContext, MessageBatch } from "./lane-context.ts";

/** Of a transaction's 100 actions one is for the cursor. */
const MAX_WRITES = 99;

/** A batch is too much for one transaction: half of it may not be. */
export class BatchTooLargeError extends Error {
  override readonly name = "BatchTooLargeError";
}

/** Lets the handler have a batch once, and says what is done then. */
export async function callHandler(context: LaneContext, batch: MessageBatch, attempt: number): Promise<void> {
  const { cursor, settings } = context;
  const { handling } = settings;
  const { messages, upTo, stateAt } = batch;
  switch (handling.kind) {
    case "each":
      // One at a time: whoever calls sees to it.
      for (const message of messages) {
        await withTimeout(context, attempt, (own) => handling.handle(message, own));
        const isLast = message === messages.at(-1);
        cursor.reached(stateAt(isLast ? upTo : message.position));
      }
      return;
    case "batch":
      await withTimeout(context, attempt, (own) => handling.handle(messages, noting(batch, context, own)));
      cursor.reached(stateAt(upTo));
      return;
    case "transaction":
      await write(
        context,
        batch,
        await withTimeout(context, attempt, (own) => handling.handle(messages, own)),
      );
  }
}

function noting(batch: MessageBatch, { cursor }: LaneContext, context: HandlerContext): BatchContext {
  const positions = new Set(batch.messages.map(({ position }) => position));
  const handled = (position: number): void => {
    if (!positions.has(position)) throw new RangeError(`Position ${position} is not in the batch.`);
    if (!context.signal.aborted && position > cursor.state.done) cursor.reached(batch.stateAt(position));
  };
  return { ...context, handled };
}

async function write(
  { cursor }: LaneContext,
  { messages, upTo, stateAt }: MessageBatch,
  writes: readonly TransactWriteItem[],
): Promise<void> {
  if (!Array.isArray(writes)) {
    throw new TypeError(`A handler in transaction mode answers writes, not ${typeof writes}.`);
  }
  if (writes.length > MAX_WRITES) {
    throw new BatchTooLargeError(
      `${writes.length} writes follow from ${messages.length} messages; a transaction takes ${MAX_WRITES}.`,
    );
  }
  if (writes.length === 0) return cursor.reached(stateAt(upTo));
  const refused = await cursor.moveWith(stateAt(upTo), writes);
  if (refused.length > 0) throw new Error(`The conditions of its writes ${refused.join(", ")} did not hold.`);
}

/** Calls with a signal that is aborted when the lane is lost or the time is over; the time ends the call as well. */
async function withTimeout<Result>(
  { lease, ref, settings }: LaneContext,
  attempt: number,
  call: (context: HandlerContext) => Promise<Result> | Result,
): Promise<Result> {
  const { handlerTimeoutMs, runtime } = settings;
  const { queue: _, ...place } = ref;
  if (handlerTimeoutMs === undefined) return call({ signal: lease.lost, attempt, ...place });
  using limited = new LinkedAbort(lease.lost);
  const ended = new AbortController();
  const timeUp = async (): Promise<Result> => {
    if (!(await pause(runtime, handlerTimeoutMs, ended.signal))) return new Promise(() => undefined);
    const error = new HandlerTimeoutError(handlerTimeoutMs);
    limited.abort(error);
    throw error;
  };
  try {
    return await Promise.race([call({ signal: limited.signal, attempt, ...place }), timeUp()]);
  } finally {
    ended.abort("ended");
  }
}
