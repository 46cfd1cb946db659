import {
  type AlsoWrite,
  type AppendOptions,
  type AppendResult,
  backoffMs,
  type EventDefinitions,
  type NewEvent,
  OutcomeUnknownError,
  type RecordedEvent,
  StreamClosedError,
  VersionConflictError,
  WriteRefusedError,
} from "@tuppence/core";
import { DocumentContendedError } from "../errors.ts";
import { commitWrites } from "./commit-writes.ts";
import { concernsStream } from "./fold-inline.ts";
import { INLINE_BACKOFF, type InlineContext } from "./inline-context.ts";
import { Spent } from "./spent.ts";

/** An append as a store takes it. */
export interface InlineAppend {
  readonly streamId: string;
  readonly events: readonly NewEvent[];
  readonly options?: AppendOptions | undefined;
}

/** Appends, and folds the events into documents in the same transaction. */
export async function appendInline(
  context: InlineContext,
  { streamId, events, options = {} }: InlineAppend,
): Promise<AppendResult<EventDefinitions>> {
  const { store, runtime, maxAttempts } = context;
  const projections = context.projections.filter((projection) => concernsStream(projection, streamId));
  if (projections.length === 0) return store.append(streamId, events, options);
  const spent = new Spent();
  const { signal } = options;
  let { commitId } = options;
  let unknown: OutcomeUnknownError | undefined;
  for (let attempt = 1; ; attempt++) {
    let own: readonly AlsoWrite[] = [];
    const also = async (stored: readonly RecordedEvent[]): Promise<readonly AlsoWrite[]> => {
      own = await ownWrites(options.also, stored);
      return [
        ...own,
        ...(await commitWrites(context, projections, { streamId, events: stored, spent, signal })),
      ];
    };
    try {
      const result = await store.append(streamId, events, { ...options, commitId, also });
      spent.add(result.capacity);
      // The id of an append whose outcome was unknown is not the caller's own.
      const duplicate = result.duplicate && options.commitId !== undefined;
      return { ...result, duplicate, capacity: spent.total() };
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw unknown === undefined || isCertain(error) ? error : unknown;
      spent.add(refusal.capacity);
      if (error instanceof OutcomeUnknownError) unknown = error;
      const theirs = refusalOfOwn(refusal, own, spent);
      if (theirs !== undefined) throw unknown ?? theirs;
      if (attempt === maxAttempts) {
        const contended = { streamId, attempts: attempt, capacity: spent.total() };
        throw unknown ?? new DocumentContendedError(contended, { cause: error });
      }
      // If it was stored, or is on its way, it is recognised by its id.
      commitId = unknown?.commitId ?? commitId;
      await runtime.sleep(backoffMs(attempt, INLINE_BACKOFF, runtime.random), signal);
    }
  }
}

/** Why nothing was written, as far as the last send goes. */
function refusalOf(error: unknown): WriteRefusedError | undefined {
  const refusal = error instanceof OutcomeUnknownError ? error.cause : error;
  return refusal instanceof WriteRefusedError ? refusal : undefined;
}

/** Whether an earlier send of the append, of unknown outcome, can't have been stored. */
function isCertain(error: unknown): boolean {
  return error instanceof VersionConflictError || error instanceof StreamClosedError;
}

async function ownWrites(
  also: AppendOptions["also"],
  events: readonly RecordedEvent[],
): Promise<readonly AlsoWrite[]> {
  if (typeof also !== "function") return also ?? [];
  return also(events);
}

/** The refusal of the caller's own other writes, if there is one. */
function refusalOfOwn(
  { indexes, items }: WriteRefusedError,
  own: readonly AlsoWrite[],
  spent: Spent,
): WriteRefusedError | undefined {
  const refused = indexes.flatMap((index, at) => {
    const write = own[index];
    return write === undefined ? [] : [{ index, write, item: items[at] }];
  });
  return refused.length === 0 ? undefined : new WriteRefusedError(refused, spent.total());
}
