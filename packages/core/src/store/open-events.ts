import pMap from "p-map";
import type { ChainItem } from "../chain/tiling.ts";
import { formatCommitId } from "../commit-id.ts";
import { EncryptionMissingError, UnknownEventTypeError, UpcastError } from "../reading-errors.ts";
import { type EventDefinitions, type EventMetadata, FORGOTTEN, type RecordedEvent } from "../events.ts";
import { schemaVersionOf, upcastersOf } from "../next-version.ts";
import { fetchBody, readBody } from "./apart-body.ts";
import type { BodyOptions } from "./body-options.ts";
import { type CommitSlice, unpackCommits } from "./commit-content.ts";
import { decryptBody } from "./sealed-body.ts";
import type { ApartEvent, PlainEvent } from "./stored-event.ts";

/** What it takes to read events. */
export interface OpenContext extends BodyOptions {
  readonly definitions: EventDefinitions | undefined;
}

/** Of so many events of an item the bodies are fetched and decrypted at a time. */
const OPEN_CONCURRENCY = 32;

/**
 * The events that an item holds from version `low` to `high`, forward, as readers get them. This is the only way
 * from what is stored to what is read. The answer comes at once unless a body has to be fetched or decrypted.
 *
 * @throws IntegrityError when they can't be read, UnknownEventTypeError, UpcastError, EncryptionMissingError,
 * BlobsMissingError, and
 *   what the store's hooks throw
 */
export function openEvents(
  context: OpenContext,
  chainItem: ChainItem,
  range: WantedEvents,
): readonly RecordedEvent[] | Promise<readonly RecordedEvent[]> {
  return openSlices(context, chainItem, { slices: unpackCommits(chainItem), range });
}

/** Which events of an item are asked for. */
export interface WantedEvents {
  readonly low: number;
  readonly high: number;
  /** The types, as they are stored. Default: all. */
  readonly types?: ReadonlySet<string> | undefined;
}

/** The events of commits that were unpacked from an item, or from the log. */
export function openSlices(
  context: OpenContext,
  chainItem: ChainItem,
  { slices, range }: { readonly slices: readonly CommitSlice[]; readonly range: WantedEvents },
): readonly RecordedEvent[] | Promise<readonly RecordedEvent[]> {
  const streamId = String(chainItem.item["p"]?.S);
  const opened: RecordedEvent[] = [];
  let count = 0;
  /** What has to be waited for, with its place among the others. */
  const late: { readonly at: number; readonly place: EventPlace; readonly event: ApartEvent }[] = [];
  for (const { slots, first, events, metadata } of slices) {
    const commitId = formatCommitId(slots.commitId);
    const from = Math.max(range.low, first);
    const to = Math.min(range.high, first + events.length - 1);
    for (let version = from; version <= to; version++) {
      const event = events[version - first] as (typeof events)[number];
      if (range.types !== undefined && !range.types.has(event.type)) continue;
      const eventId = `${commitId}/${version - slots.first + slots.offset}`;
      const place = { streamId, version, eventId, recordedAt: new Date(chainItem.recordedAt) };
      const at = count++;
      if ("body" in event) late.push({ at, place, event });
      else opened[at] = presentEvent(context, place, { event, shared: metadata });
    }
  }
  if (late.length === 0) return opened;
  const openLate = async ({ at, place, event }: (typeof late)[number]): Promise<void> => {
    opened[at] = await openApart(context, place, event);
  };
  return pMap(late, openLate, { concurrency: OPEN_CONCURRENCY }).then(() => opened);
}

/** What is known of an event without its body. */
type EventPlace = Pick<RecordedEvent, "streamId" | "version" | "eventId" | "recordedAt">;

async function openApart(context: OpenContext, place: EventPlace, apart: ApartEvent): Promise<RecordedEvent> {
  const { type, subject } = apart;
  if (subject === undefined) {
    const body = await fetchBody(context.blobs, place, apart);
    return presentEvent(context, place, { event: readBody(body, place, type) });
  }
  const { streamId, version } = place;
  if (context.encryption === undefined) throw new EncryptionMissingError({ streamId, version, subject });
  const opened = await decryptBody(
    context.encryption,
    [subject],
    await fetchBody(context.blobs, place, apart),
  );
  if (opened === undefined)
    return { type: FORGOTTEN, data: { type, subject }, metadata: {}, ...place, subject };
  return { ...presentEvent(context, place, { event: readBody(opened, place, type) }), subject };
}

function presentEvent(
  context: OpenContext,
  { streamId, version, eventId, recordedAt }: EventPlace,
  { event, shared }: { readonly event: PlainEvent; readonly shared?: EventMetadata | undefined },
): RecordedEvent {
  return {
    type: event.type,
    data: currentData(context, { streamId, version }, event),
    // An event's own came with it alone; what is shared is copied, so that no event's metadata is another's.
    metadata: shared === undefined ? (event.metadata ?? {}) : { ...shared, ...event.metadata },
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
  { type, data, schemaVersion }: PlainEvent,
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
