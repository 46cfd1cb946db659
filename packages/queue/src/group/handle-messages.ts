import { GivenUpError, NonRetryableError, tryUntilDone, WorkEndedError } from "@tuppence/core/failures";
import type { Message } from "../message.ts";
import { BatchTooLargeError, callHandler } from "./call-handler.ts";
import { attemptsOf, type FailedMessage, type LaneContext, type MessageBatch } from "./lane-context.ts";

/**
 * Handles a batch, and says in the cursor how far it got. When it fails for good as a whole, its halves are tried, so that in the end one
 * message is left that fails by itself, and all before it is done: that one is the answer.
 *
 * @throws WorkEndedError, LeaseLostError; what fails for the moment is tried again in here.
 */
export async function handleMessages(
  context: LaneContext,
  batch: MessageBatch,
  maxAttempts: number,
): Promise<FailedMessage | undefined> {
  const { messages, upTo } = batch;
  if (messages.length === 0) {
    context.cursor.reached(batch.stateAt(upTo));
    return undefined;
  }
  if (context.settings.handling.kind !== "each") return handleInHalves(context, batch, maxAttempts);
  for (const message of messages) {
    if (context.ending.aborted) throw new WorkEndedError();
    const isLast = message === messages.at(-1);
    const one = { ...batch, messages: [message], upTo: isLast ? upTo : message.position };
    const failed = await handleInHalves(context, one, maxAttempts);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

async function handleInHalves(
  context: LaneContext,
  batch: MessageBatch,
  maxAttempts: number,
): Promise<FailedMessage | undefined> {
  let left = batch;
  try {
    // A single message is worth some patience; where it is one of many that fails, it is to be found first.
    await tryUntilDone(
      attemptsOf(context, batch.messages.length === 1 ? maxAttempts : 1),
      async (attempt) => {
        left = withoutDone(left, context);
        if (left.messages.length > 0) await callHandler(context, left, attempt);
        else context.cursor.reached(left.stateAt(left.upTo));
      },
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof GivenUpError)) throw error;
    left = withoutDone(left, context);
    return handleRest(context, left, { error, maxAttempts });
  }
}

async function handleRest(
  context: LaneContext,
  batch: MessageBatch,
  { error, maxAttempts }: { readonly error: GivenUpError; readonly maxAttempts: number },
): Promise<FailedMessage | undefined> {
  const { messages } = batch;
  const [message] = messages;
  // Whatever it threw, it had said of all that they are done.
  if (message === undefined) {
    context.cursor.reached(batch.stateAt(batch.upTo));
    return undefined;
  }
  if (messages.length === 1) return failedWith(message, error);
  if (context.ending.aborted) throw new WorkEndedError();
  const middle = placeOf(error.cause, messages) ?? messages.length >>> 1;
  const first = messages.slice(0, middle);
  const last = first.at(-1) as Message;
  const failed = await handleInHalves(
    context,
    { ...batch, messages: first, upTo: last.position },
    maxAttempts,
  );
  if (failed !== undefined) return failed;
  return handleInHalves(context, { ...batch, messages: messages.slice(middle) }, maxAttempts);
}

function failedWith(message: Message, { cause, attempts }: GivenUpError): FailedMessage {
  const isTooLarge = cause instanceof BatchTooLargeError;
  const error = isTooLarge ? new NonRetryableError(cause.message, { position: message.position }) : cause;
  return { message, error, attempts };
}

/** What a handler said to be done is not tried again. */
function withoutDone(batch: MessageBatch, { cursor }: LaneContext): MessageBatch {
  const { done } = cursor.state;
  const [first] = batch.messages;
  // A parked one that is tried again is below the cursor.
  if (first === undefined || batch.upTo <= done) return batch;
  return { ...batch, messages: batch.messages.filter(({ position }) => position > done) };
}

/** Where to cut so that the message that an error says it is about comes first behind the cut, or is alone before it. */
function placeOf(error: unknown, messages: readonly Message[]): number | undefined {
  const { position } = Object(error) as { readonly position?: unknown };
  const index = messages.findIndex((message) => message.position === position);
  return index === -1 ? undefined : Math.max(1, index);
}
