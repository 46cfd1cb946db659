import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createCommitId, DEFAULT_TABLE_PREFIX, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import { type ControlStorage, createDynamoDBControlStorage } from "@tuppence/core/leases";
import type { FailureLogger } from "@tuppence/stream-adapter/lambda";
import type { Context } from "aws-lambda";
import { CONSOLE_LOGGER } from "./console-logger.ts";
import { runKey } from "./run-record.ts";
import { RUN_GUARDS, type RunGuards, RunStore } from "./run-store.ts";

/** How long it is known that an occurrence was done, when nothing else is said: a week, in milliseconds. */
export const DEFAULT_DONE_RETENTION_MS: number = 7 * 24 * 3_600_000;

/** The largest answer that is kept, as JSON, in bytes: with it, a record stays within 1 write unit as a rule. */
export const DEFAULT_MAX_RESULT_BYTES = 600;

/** Where it is kept what was done: in the table `<prefix>-control` of DynamoDB, or in memory, for tests. */
export type DropDuplicatesPlace =
  | {
      readonly client: DynamoDBClient;
      /** The table is `<prefix>-control`. Default `tuppence`. */
      readonly tablePrefix?: string | undefined;
    }
  | { /** From `createMemoryControlStorage`. */ readonly storage: ControlStorage };

export type DropDuplicatesOptions<Event> = DropDuplicatesPlace & {
  /** Who does the occurrences: others do them too. Default: the function's name. */
  readonly receiver?: string | undefined;
  /** Where the id of the occurrence is in the event. Default: its `occurrenceId`. */
  readonly occurrenceIdOf?: ((event: Event) => string) | undefined;
  /** How long it is known that an occurrence was done, in milliseconds. Default 604,800,000: a week. */
  readonly retentionMs?: number | undefined;
  /** The largest answer that is kept for repeats, as JSON, in bytes: they get nothing for a larger one. Default 600. */
  readonly maxResultBytes?: number | undefined;
  /** Is told what does not matter to the caller, but to you. Default: `console`. */
  readonly logger?: FailureLogger | undefined;
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
};

/** The part of an invocation's context that is needed. */
export type InvocationContext = Pick<Context, "functionName" | "getRemainingTimeInMillis">;

/**
 * Makes a Lambda handler of yours one that does each occurrence once: what is delivered again gets the answer that was given the first
 * time, without a run. While another invocation runs the occurrence it rejects, so that the delivery is tried again; of an invocation that was
 * cut off nobody knows how far it came, and the next one after its time runs the occurrence again. A handler that fails may be run again at once.
 *
 * It takes an invocation for over when its time is, and a few seconds for clocks that differ; Lambda stops it then. Repeats are known for `retentionMs`,
 * so schedules must not be retried for longer.
 *
 * Cost: 2 WCU for an occurrence (begun, done), 1 WCU for a repeat; 2 more for each run that fails.
 *
 * The handler made rejects with an OccurrenceRunningError, with what yours throws, and with a TypeError for an event without an id.
 *
 * @throws TypeError, RangeError for options that can't be.
 */
export function dropDuplicates<Event, Result, HandlerContext extends InvocationContext = InvocationContext>(
  handler: (event: Event, context: HandlerContext) => Promise<Result> | Result,
  options: DropDuplicatesOptions<Event>,
): (event: Event, context: HandlerContext) => Promise<Result | undefined> {
  return dropDuplicatesWith(handler, options, RUN_GUARDS);
}

/** The same, with guards to switch off. */
export function dropDuplicatesWith<Event, Result, HandlerContext extends InvocationContext>(
  handler: (event: Event, context: HandlerContext) => Promise<Result> | Result,
  options: DropDuplicatesOptions<Event>,
  guards: RunGuards,
): (event: Event, context: HandlerContext) => Promise<Result | undefined> {
  const { receiver, retentionMs = DEFAULT_DONE_RETENTION_MS, logger = CONSOLE_LOGGER } = options;
  const { maxResultBytes = DEFAULT_MAX_RESULT_BYTES, occurrenceIdOf = ownId } = options;
  if (typeof handler !== "function") throw new TypeError(`The handler is ${typeof handler}, no function.`);
  if (!(retentionMs > 0 && Number.isFinite(retentionMs))) {
    throw new RangeError(`retentionMs is ${retentionMs}; it has to be above 0.`);
  }
  const storage =
    "storage" in options
      ? options.storage
      : createDynamoDBControlStorage(options.client, options.tablePrefix ?? DEFAULT_TABLE_PREFIX);
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  const store = new RunStore({ storage, runtime, guards, retentionMs });
  return async (event, context) => {
    const id = occurrenceIdOf(event);
    if (typeof id !== "string" || id === "") throw new TypeError("The event has no id of an occurrence.");
    const run = {
      id,
      key: runKey(receiver ?? context.functionName, id),
      token: createCommitId(),
      remainingMs: context.getRemainingTimeInMillis(),
    };
    const begun = await store.begin(run);
    if (begun.kind === "done") return begun.result as Result | undefined;
    let result: Result;
    try {
      result = await handler(event, context);
    } catch (error) {
      await store.fail(begun.run).catch((failure: unknown) => {
        // The handler's own error says more. The next run waits for the end of this one's time.
        logger.warn({ error: failure, occurrenceId: id }, "It could not be stored that a run has failed.");
      });
      throw error;
    }
    const kept = await store.finish(begun.run, textOf(result, maxResultBytes));
    if (!kept) logger.error({ occurrenceId: id }, "A run took longer than its time: another one was begun.");
    return result;
  };
}

function ownId(event: unknown): string {
  return (event as { readonly occurrenceId?: string } | undefined)?.occurrenceId ?? "";
}

function textOf(result: unknown, maxBytes: number): string | undefined {
  const text = JSON.stringify(result) as string | undefined;
  return text === undefined || Buffer.byteLength(text) > maxBytes ? undefined : text;
}
