import type { EventMetadata } from "../events.ts";
import type { Encryption } from "./body-options.ts";
import type { PreparedEvent, PreparedEvents } from "./prepare-events.ts";
import { encryptText } from "./sealed-body.ts";
import { encryptedEntryText, entryText } from "./stored-event.ts";

/** Encrypts the events of an append that hold somebody's data. What the hook throws comes through. */
export async function sealEvents(
  encryption: Encryption,
  streamId: string,
  { events, metadata }: PreparedEvents,
): Promise<PreparedEvents> {
  const shared = parseMetadata(metadata);
  const seal = async (event: PreparedEvent): Promise<PreparedEvent> => {
    const { type, data } = event;
    const whole = withAllMetadata(event, shared);
    const subject = encryption.subjectOf({ streamId, type, data, metadata: whole.metadata ?? {} });
    if (subject === undefined) return event;
    checkSubject(subject);
    const body = await encryptText(encryption, [subject], entryText(whole));
    return { ...whole, text: encryptedEntryText(type, subject), apart: { subject }, body };
  };
  return withNeededMetadata({ events: await Promise.all(events.map(seal)), metadata });
}

/** @throws TypeError for what names nobody. */
function checkSubject(subject: unknown): void {
  if (typeof subject === "string" && subject !== "") return;
  const given = subject === "" ? "an empty text" : String(subject);
  throw new TypeError(
    `encryption.subjectOf gave ${given}; it has to give a text that is not empty, or undefined.`,
  );
}

/** The metadata of an append as it was given. */
export function parseMetadata(metadata: string | undefined): EventMetadata | undefined {
  return metadata === undefined ? undefined : (JSON.parse(metadata) as EventMetadata);
}

/** An event with the metadata of its append in its own: a body apart holds all that belongs to it. */
export function withAllMetadata(event: PreparedEvent, shared: EventMetadata | undefined): PreparedEvent {
  return shared === undefined ? event : { ...event, metadata: { ...shared, ...event.metadata } };
}

/** Metadata for all events is kept only while there is an event that does not have it in a body apart. */
export function withNeededMetadata({ events, metadata }: PreparedEvents): PreparedEvents {
  const needed = events.some((event) => event.apart === undefined);
  return { events, metadata: needed ? metadata : undefined };
}
