import type { AnyEvent } from "../definition/projection.ts";
import { GivenUpError } from "@tuppence/core/failures";
import { BatchTooLargeError } from "./batch-too-large-error.ts";
import type { Applied, EventBatch, FailedEvent } from "./slot-context.ts";

/**
 * Applies a batch as a whole; when that is too much, or fails for good, its halves, so that in the end one event is left that fails
 * by itself, and all before it is done.
 */
export async function applyInHalves(
  batch: EventBatch,
  applyWhole: (batch: EventBatch) => Promise<Applied>,
): Promise<Applied> {
  const { events } = batch;
  try {
    return await applyWhole(batch);
  } catch (error) {
    const [first] = events;
    if (first === undefined || !(error instanceof GivenUpError)) throw error;
    const less = error.cause instanceof BatchTooLargeError ? withLessBeside(batch) : undefined;
    if (less !== undefined) return "events" in less ? applyInHalves(less, applyWhole) : less;
    const middle = firstNamed(error, events) ?? events.length >>> 1;
    if (events.length === 1 || middle === 0) return failedAt(first, error);
    const applied = await applyInHalves(firstOf(batch, middle), applyWhole);
    if (applied.failed) return applied;
    const changes = batch.changes.filter(({ position }) => !applied.isMoved || position > applied.upTo);
    const rest = { ...batch, events: events.slice(middle), after: applied.upTo, changes };
    return applyInHalves(rest, applyWhole);
  }
}

/** A batch up to one of its events, with what is to be stored up to there. */
export function firstOf(batch: EventBatch, count: number): EventBatch {
  const events = batch.events.slice(0, count);
  const upTo = events.at(-1)?.position ?? batch.after;
  return { ...batch, events, upTo, changes: batch.changes.filter(({ position }) => position <= upTo) };
}

/**
 * What is to be tried of a batch whose only event is too much with what is stored beside it: first what is before the event, by itself, and what is
 * behind it later. Undefined where there is more than one event, or nothing beside it.
 */
export function withLessBeside(batch: EventBatch): EventBatch | Applied | undefined {
  const { events, changes } = batch;
  const [event] = events;
  if (event === undefined || events.length > 1) return undefined;
  if (changes.some(({ position }) => position > event.position)) return firstOf(batch, 1);
  const isBefore = changes.some(({ position }) => position < event.position);
  return isBefore ? { upTo: event.position - 1, isMoved: false } : undefined;
}

/** The index of the event that an error says it is about. */
function firstNamed(error: GivenUpError, events: readonly AnyEvent[]): number | undefined {
  const { position } = (error.cause ?? {}) as { readonly position?: unknown };
  const index = events.findIndex((event) => event.position === position);
  return index === -1 ? undefined : index;
}

function failedAt(event: AnyEvent, { cause, attempts }: GivenUpError): Applied {
  const failed: FailedEvent = { event, error: cause, attempts };
  return { upTo: event.position - 1, isMoved: false, failed };
}
