import { categoryOf, type RecordedEvent } from "@tuppence/core";
import type { AnyEvent, DocumentProjection, Projection } from "../definition/projection.ts";
import type { EventsToken } from "./token.ts";

/** What of a token is waited for: one event, as a stream's events come in order. */
export interface Awaited {
  readonly streamId: string;
  readonly version: number;
  /** Undefined: not known yet. */
  readonly position: number | undefined;
  /** The documents that the token's events go into; undefined: any. */
  readonly keys: ReadonlySet<string> | undefined;
}

/**
 * The last event of a token that a projection handles, in one document or in any; undefined when there is none.
 *
 * @throws what the projection's `key` throws.
 */
export function awaitedOf(projection: Projection, token: EventsToken, key?: string): Awaited | undefined {
  const { streamId } = token;
  const { categories, types } = projection;
  if (categories !== undefined && !categories.includes(categoryOf(streamId))) return undefined;
  const events = eventsOf(token);
  if (events === undefined) return awaitedOfAny(token);
  let last: RecordedEvent | undefined;
  let keys: Set<string> | undefined = new Set();
  for (const event of events) {
    if (types !== undefined && !types.includes(event.type)) continue;
    const own = projection.kind === "document" ? keysOf(projection, event) : undefined;
    if (own !== undefined && (key === undefined ? own.length === 0 : !own.includes(key))) continue;
    last = event;
    if (own === undefined) keys = undefined;
    for (const each of own ?? []) keys?.add(each);
  }
  return last && { streamId, version: last.version, position: positionOf(last), keys };
}

/** The same where it is not known what is handled: the last event of the token. */
export function awaitedOfAny({ streamId, version, position }: EventsToken): Awaited | undefined {
  return version === 0 ? undefined : { streamId, version, position, keys: undefined };
}

function eventsOf(token: EventsToken): readonly RecordedEvent[] | undefined {
  return token.eventId === undefined ? token.events : [token as unknown as RecordedEvent];
}

function positionOf(event: RecordedEvent): number | undefined {
  return (event as Partial<AnyEvent>).position;
}

/** The keys of an event that may have no position yet; undefined when they can't be told without. */
function keysOf(projection: DocumentProjection, event: RecordedEvent): readonly string[] | undefined {
  let needsPosition = false;
  const known = positionOf(event);
  const asked: AnyEvent = {
    ...event,
    get position(): number {
      needsPosition ||= known === undefined;
      return known ?? 0;
    },
  };
  const keys = projection.key(asked) ?? [];
  if (needsPosition) return undefined;
  return typeof keys === "string" ? [keys] : keys;
}
