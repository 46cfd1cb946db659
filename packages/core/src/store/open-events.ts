import type { ChainItem } from "../chain/tiling.ts";
import { formatCommitId } from "../commit-id.ts";
import { UnknownEventTypeError, UpcastError } from "../errors.ts";
import type { EventDefinitions, EventMetadata, RecordedEvent } from "../events.ts";
import { schemaVersionOf, upcastersOf } from "../next-version.ts";
import type { BodyOptions } from "./body-options.ts";
import { unpackCommits } from "./commit-content.ts";
import type { StoredEvent } from "./stored-event.ts";

/** What it takes to read events. */
export interface OpenContext extends BodyOptions {
  readonly definitions: EventDefinitions | undefined;
}

/** What is known of an event without its body. */
type EventPlace = Pick<RecordedEvent, "streamId" | "version" | "eventId" | "recordedAt">;

/**
 * The events that an item holds from version `low` to `high`, forward, as readers get them. This is the only way
 * from what is stored to what is read.
 *
 * @throws IntegrityError when they can't be read, UnknownEventTypeError, UpcastError
 */
export function openEvents(
  context: OpenContext,
  chainItem: ChainItem,
  { low, high }: { readonly low: number; readonly high: number },
): readonly RecordedEvent[] {
  const streamId = String(chainItem.item["p"]?.S);
  const opened: RecordedEvent[] = [];
  for (const { slots, first, events, metadata } of unpackCommits(chainItem)) {
    const commitId = formatCommitId(slots.commitId);
    for (const [index, event] of events.entries()) {
      const version = first + index;
      if (version < low || version > high) continue;
      const eventId = `${commitId}/${version - slots.first}`;
      const place = { streamId, version, eventId, recordedAt: new Date(chainItem.t) };
      opened.push(presentEvent(context, place, { event, shared: metadata }));
    }
  }
  return opened;
}

function presentEvent(
  context: OpenContext,
  { streamId, version, eventId, recordedAt }: EventPlace,
  { event, shared }: { readonly event: StoredEvent; readonly shared?: EventMetadata | undefined },
): RecordedEvent {
  return {
    type: event.type,
    data: currentData(context, { streamId, version }, event),
    metadata: { ...shared, ...event.metadata },
    streamId,
    version,
    eventId,
    recordedAt,
  };
}

/** An event's data in the shape that its definition has now. */
function currentData(
  { definitions, unknownEvents = "error" }: OpenContext,
  place: { readonly streamId: string; readonly version: number },
  { type, data, schemaVersion }: StoredEvent,
): unknown {
  if (definitions === undefined) return data;
  const definition = Object.hasOwn(definitions, type) ? definitions[type] : undefined;
  if (definition === undefined || schemaVersion > schemaVersionOf(definition)) {
    if (unknownEvents === "raw") return data;
    throw new UnknownEventTypeError({ ...place, eventType: type, schemaVersion });
  }
  let current = data;
  for (const [index, upcast] of upcastersOf(definition).entries()) {
    const step = index + 1;
    if (step < schemaVersion) continue;
    try {
      current = upcast(current);
      if (current instanceof Promise) throw new TypeError("it gave a promise; upcasters are synchronous");
    } catch (cause) {
      const failed = {
        ...place,
        eventType: type,
        fromSchemaVersion: step,
        storedSchemaVersion: schemaVersion,
      };
      throw new UpcastError(failed, { cause });
    }
  }
  return current;
}
