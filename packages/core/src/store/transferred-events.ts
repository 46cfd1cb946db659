import pMap from "p-map";
import type { EventMetadata } from "../events.ts";
import { type BodyPlace, fetchBody, readBody } from "./apart-body.ts";
import type { Blobs } from "./body-options.ts";
import type {
  TransferredEvent,
  TransferredPlainEvent,
  TransferredSealedEvent,
} from "./transferred-commit.ts";
import { type PreparedEvent, type PreparedEvents, prepareEvents, prepareMetadata } from "./prepare-events.ts";
import {
  type ApartEvent,
  encryptedEntryText,
  entryText,
  type PlainEvent,
  type StoredEvent,
} from "./stored-event.ts";

/** Of so many events of a commit the bodies are fetched at a time. */
const FETCH_CONCURRENCY = 16;

/** The events of an item for an export, with their bodies: encrypted ones stay so, blobs are not left behind. */
export function describeTransferred(
  blobs: Blobs | undefined,
  first: BodyPlace,
  events: readonly StoredEvent[],
): readonly TransferredEvent[] | Promise<readonly TransferredEvent[]> {
  if (!events.some(isApart)) return (events as readonly PlainEvent[]).map(describePlain);
  const describe = async (event: StoredEvent, index: number): Promise<TransferredEvent> => {
    if (!isApart(event)) return describePlain(event);
    const { type, subject } = event;
    const place = { streamId: first.streamId, version: first.version + index };
    const body = await fetchBody(blobs, place, event);
    if (subject === undefined) return describePlain(readBody(body, place, type));
    return { type, subject, body: Buffer.from(body).toString("base64") };
  };
  return pMap(events, describe, { concurrency: FETCH_CONCURRENCY });
}

function isApart(event: StoredEvent): event is ApartEvent {
  return "body" in event;
}

function describePlain({ type, data, schemaVersion, metadata }: PlainEvent): TransferredPlainEvent {
  return {
    type,
    data,
    ...(schemaVersion === 1 ? undefined : { schemaVersion }),
    ...(metadata === undefined ? undefined : { metadata }),
  };
}

/**
 * Checks the events of a commit to import; they are not held to definitions, and stay as encrypted as they are.
 *
 * @throws TypeError or RangeError for what no export gives, and what `prepareEvents` throws.
 */
export async function prepareTransferred(
  streamId: string,
  commit: {
    readonly events: readonly TransferredEvent[];
    readonly metadata: EventMetadata | undefined;
    readonly mayBeEmpty?: boolean | undefined;
  },
): Promise<PreparedEvents> {
  const { events: given, metadata } = commit;
  // A sealed body is no data to be checked: what stands for it in the meantime is.
  const plain = Array.isArray(given) ? (given as typeof commit.events).map(withPlainBody) : [];
  const isEmpty = commit.mayBeEmpty && plain.length === 0;
  const prepared = isEmpty ? [] : await prepareEvents(streamId, plain, undefined);
  const events = prepared.map((event, index) => {
    const original = given[index] as TransferredEvent;
    return isSealed(original) ? sealedEvent(event, original) : versionedEvent(event, original);
  });
  return { events, metadata: prepareMetadata(plain, metadata) };
}

function isSealed(event: TransferredEvent | null | undefined): event is TransferredSealedEvent {
  return event?.body !== undefined;
}

function withPlainBody(event: TransferredEvent): TransferredPlainEvent {
  return isSealed(event) ? { type: event.type, data: null } : event;
}

function sealedEvent(event: PreparedEvent, { subject, body }: TransferredSealedEvent): PreparedEvent {
  if (typeof subject !== "string" || subject === "") {
    throw new TypeError(
      `the subject of an encrypted event is ${JSON.stringify(subject)}; it has to be a text`,
    );
  }
  const bytes = typeof body === "string" ? Buffer.from(body, "base64") : Buffer.alloc(0);
  if (bytes.byteLength === 0 || bytes.toString("base64") !== body) {
    throw new TypeError("the body of an encrypted event has to be base64");
  }
  return { ...event, text: encryptedEntryText(event.type, subject), apart: { subject }, body: bytes };
}

function versionedEvent(event: PreparedEvent, { schemaVersion = 1 }: TransferredPlainEvent): PreparedEvent {
  if (!(Number.isSafeInteger(schemaVersion) && schemaVersion >= 1)) {
    throw new RangeError(`schemaVersion is ${String(schemaVersion)}; it has to be a whole number from 1`);
  }
  if (schemaVersion === 1) return event;
  const versioned = { ...event, schemaVersion };
  return { ...versioned, text: entryText(versioned) };
}
