import type { AnyEvent } from "../definition/projection.ts";
import { BatchTooLargeError, FailedAttemptsError } from "./failure.ts";
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
    if (first === undefined || !(error instanceof FailedAttemptsError || error instanceof BatchTooLargeError))
      throw error;
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

/** The index of the event that an error says it is about. */
function firstNamed(error: Error, events: readonly AnyEvent[]): number | undefined {
  const { position } = (error.cause ?? {}) as { readonly position?: unknown };
  const index = events.findIndex((event) => event.position === position);
  return index === -1 ? undefined : index;
}

function failedAt(event: AnyEvent, error: Error): Applied {
  const isGivenUp = error instanceof FailedAttemptsError;
  const failed: FailedEvent = {
    event,
    error: isGivenUp ? error.cause : error,
    attempts: isGivenUp ? error.attempts : 1,
  };
  return { upTo: event.position - 1, isMoved: false, failed };
}
