import { categoryOf, type RecordedEvent } from "@tuppence/core";
import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { type DocumentRecord, NO_DOCUMENT } from "../documents/document.ts";
import { documentKeys } from "../documents/document-keys.ts";
import { evolveState } from "../documents/evolve-state.ts";

/** Events by the documents that they go into, in their order. */
export type EventsByKey = ReadonlyMap<string, readonly AnyEvent[]>;

/** Whether a projection may have something to do with a stream. */
export function concernsStream({ categories }: DocumentProjection, streamId: string): boolean {
  return categories === undefined || categories.includes(categoryOf(streamId));
}

/** @throws InvalidDocumentError for a key that can't be, and what the key function throws. */
export function routeInline(projection: DocumentProjection, events: readonly RecordedEvent[]): EventsByKey {
  const byKey = new Map<string, AnyEvent[]>();
  for (const recorded of events) {
    if (projection.types?.includes(recorded.type) === false) continue;
    const event = withoutPosition(recorded);
    for (const key of documentKeys(projection, event)) {
      const own = byKey.get(key);
      if (own === undefined) byKey.set(key, [event]);
      else own.push(event);
    }
  }
  return byKey;
}

/**
 * A document with more events in it. What it is given stays as it is.
 *
 * @throws InvalidDocumentError for a state that can't be, and what the fold throws.
 */
export async function foldInline(
  projection: DocumentProjection,
  { key, before = NO_DOCUMENT }: { readonly key: string; readonly before: DocumentRecord | undefined },
  events: readonly AnyEvent[],
): Promise<DocumentRecord> {
  const evolved = await evolveState(projection, { key, text: before.state }, events);
  if ("error" in evolved) throw evolved.error;
  return { ...NO_DOCUMENT, state: evolved.text, revision: before.revision + 1 };
}

/** An event that has no place in the log yet: whoever asks for it is told so. */
function withoutPosition(event: RecordedEvent): AnyEvent {
  return Object.defineProperty({ ...event }, "position", {
    enumerable: false,
    get: () => {
      throw new TypeError(
        `Event ${event.eventId} has no position: inline projections see events before they are in the log. ` +
          "A fold of positions takes a projection of the log.",
      );
    },
  }) as AnyEvent;
}
