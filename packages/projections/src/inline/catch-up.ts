import {
  type AlsoWrite,
  backoffMs,
  type Capacity,
  IntegrityError,
  itemSize,
  limits,
  type RecordedEvent,
  TransactionTooLargeError,
  writeUnits,
} from "@tuppence/core";
import { UncertainWriteError } from "@tuppence/core/leases";
import type { DocumentProjection } from "../definition/projection.ts";
import { DocumentContendedError } from "../errors.ts";
import { routeInline } from "./fold-inline.ts";
import { heldVersion, inlineName, inlinePartition, moveHeld } from "./held-versions.ts";
import { INLINE_BACKOFF, type InlineContext } from "./inline-context.ts";
import { documentWrites } from "./document-writes.ts";
import { readInline } from "./read-inline.ts";
import type { Spent } from "./spent.ts";

/** Events read and folded at a time. */
const CHUNK_EVENTS = 200;

/** A stream that a projection's documents are behind with. */
export interface Lag {
  readonly projection: DocumentProjection;
  readonly streamId: string;
  /** What is stored of how far it is held. */
  readonly held: number;
  /** A version that the stream has. */
  readonly to: number;
  readonly spent: Spent;
  readonly signal: AbortSignal | undefined;
}

/** How far a stream is held, and how far it was looked through: between the two nothing goes into a document. */
export interface CaughtUp {
  readonly held: number;
  readonly seen: number;
}

/**
 * Folds what the documents of a projection lack of a stream, from the stream itself: in transactions like those of appends, so that any
 * number of processes may do it at once.
 *
 * Cost: that of reading the events, and of a transaction for each 200 of them at most if they go into documents.
 */
export async function catchUp(context: InlineContext, lag: Lag): Promise<CaughtUp> {
  const { projection, streamId, to, spent, signal } = lag;
  let { held } = lag;
  let seen = held;
  let lost = 0;
  while (seen < to) {
    const events = await readChunk(context, lag, seen);
    const last = events.at(-1)?.version ?? seen;
    let count = events.length;
    if (routeInline(projection, events).size === 0) {
      seen = last;
      continue;
    }
    for (;;) {
      const outcome = await foldChunk(context, { ...lag, held }, events.slice(0, count));
      if (outcome === "tooLarge") {
        count = Math.ceil(count / 2);
        continue;
      }
      if (outcome === "refused") {
        lost += 1;
        if (lost === context.maxAttempts) {
          throw new DocumentContendedError({ streamId, attempts: lost, capacity: spent.total() });
        }
        await context.runtime.sleep(backoffMs(lost, INLINE_BACKOFF, context.runtime.random), signal);
        continue;
      }
      ({ held } = outcome);
      seen = held;
      break;
    }
  }
  return { held, seen };
}

async function readChunk(
  { store }: InlineContext,
  { streamId, to, spent, signal }: Lag,
  seen: number,
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  const evolve = (state: undefined, event: RecordedEvent): undefined => {
    events.push(event);
    return state;
  };
  const from = { state: undefined, version: seen };
  const toVersion = Math.min(to, seen + CHUNK_EVENTS);
  // A load refuses a stream whose events were truncated; a read would leave them out.
  const fold = { initialState: () => undefined, evolve };
  const { capacity } = await store.load(streamId, fold, { from, toVersion, signal });
  spent.add(capacity);
  if (events.length > 0) return events;
  throw new IntegrityError(streamId, seen + 1, `it ends before version ${to}, which it had`);
}

/** Of a transaction's actions one is for how far the stream is held. */
const MAX_DOCUMENTS: number = limits.MAX_TRANSACTION_ACTIONS - 1;

/**
 * Folds some events in one transaction. Answers how far the stream is held then, perhaps by somebody else's work. Bounded by what a
 * transaction takes; one event that is too much for it is refused.
 */
async function foldChunk(
  context: InlineContext,
  lag: Lag,
  events: readonly RecordedEvent[],
): Promise<{ readonly held: number } | "refused" | "tooLarge"> {
  const { projection, streamId, spent, signal } = lag;
  const { tableName, guards } = context;
  const byKey = routeInline(projection, events);
  if (byKey.size > MAX_DOCUMENTS) return tooLarge(events, byKey.size + 1, "actions");
  const documents = [...byKey.keys()].map((key) => ({ partition: inlinePartition(projection), key }));
  const found = await readInline(context, { streamIds: [streamId], documents }, { spent, signal });
  const name = inlineName(projection);
  const held = heldVersion(found.held(streamId), name);
  if (held > lag.held) return { held };
  const puts = await documentWrites(context, { projection, byKey, found });
  const bytes = sizeOf(puts);
  if (bytes > limits.MAX_TRANSACTION_BYTES) return tooLarge(events, bytes, "transaction");
  const to = events.at(-1)?.version ?? held;
  const move = moveHeld(
    { tableName, streamId },
    [{ projection: name, from: held, to }],
    guards.comparesVersions,
  );
  const isApplied = await send(context, [...puts, move], signal);
  spent.add(costOf(puts));
  return isApplied ? { held: to } : "refused";
}

function tooLarge(
  events: readonly RecordedEvent[],
  size: number,
  limitOf: TransactionTooLargeError["limitOf"],
): "tooLarge" {
  if (events.length > 1) return "tooLarge";
  const limit = limitOf === "actions" ? limits.MAX_TRANSACTION_ACTIONS : limits.MAX_TRANSACTION_BYTES;
  throw new TransactionTooLargeError(size, limit, limitOf);
}

/** Whether it was applied. What is uncertain is found out by reading again: nothing can be applied twice. */
async function send(
  { transactions }: InlineContext,
  writes: readonly AlsoWrite[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return (await transactions.transact([], writes, signal)).applied;
  } catch (error) {
    if (error instanceof UncertainWriteError) return false;
    throw error;
  }
}

function sizeOf(puts: readonly AlsoWrite[]): number {
  return puts.reduce((bytes, { Put }) => bytes + itemSize(Put?.Item ?? {}), 0);
}

function costOf(puts: readonly AlsoWrite[]): Capacity {
  const units = (bytes: number): number => writeUnits(bytes, { transaction: true });
  const documents = puts.reduce((total, { Put }) => total + units(itemSize(Put?.Item ?? {})), 0);
  return { requests: 1, readUnits: 0, writeUnits: documents + units(0) };
}
