import type { EventMetadata } from "../events.ts";

/** An event as it is stored. */
export type StoredEvent = PlainEvent | ApartEvent;

/** An event whose body is in its entry. */
export interface PlainEvent {
  readonly type: string;
  readonly data: unknown;
  /** The version of the schema that the data was written with, from 1. */
  readonly schemaVersion: number;
  /** Its own metadata. */
  readonly metadata: EventMetadata | undefined;
}

/** An event whose body, which is a plain entry with all of its metadata, is not in its entry. */
export interface ApartEvent {
  readonly type: string;
  /** Whose key the body is encrypted with. */
  readonly subject: string;
  readonly body: Uint8Array;
}

/** Begins the entry of an encrypted event: `[1, type, subject]`, with its body in the list `b`. */
const ENCRYPTED = 1;

/** An event as one entry of the list in `e`: `[type, data, schemaVersion?, metadata?]`; version 1 is left out. */
export function entryText({ type, data, schemaVersion, metadata }: PlainEvent): string {
  const entry: unknown[] = [type, data];
  if (schemaVersion > 1) entry.push(schemaVersion);
  if (metadata !== undefined) entry.push(metadata);
  return JSON.stringify(entry);
}

/** The entry of an event whose body is in `b`. */
export function encryptedEntryText(type: string, subject: string): string {
  return JSON.stringify([ENCRYPTED, type, subject]);
}

/** The event of an entry, whose body may be the next of those in `b`; undefined in a form that this release can't read. */
export function readEntry(entry: unknown, bodies: Iterator<Uint8Array>): StoredEvent | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [first, second, third] = entry as readonly unknown[];
  if (typeof first === "string") return readPlainEntry(entry);
  if (typeof second !== "string" || typeof third !== "string" || first !== ENCRYPTED) return undefined;
  const body = bodies.next();
  return body.done === true ? undefined : { type: second, subject: third, body: body.value };
}

/** The event of an entry that has its body; undefined when it has not. */
export function readPlainEntry(entry: unknown): PlainEvent | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [type, data, third, fourth] = entry as readonly unknown[];
  if (typeof type !== "string") return undefined;
  const versioned = typeof third === "number";
  return {
    type,
    data,
    schemaVersion: versioned ? third : 1,
    metadata: (versioned ? fourth : third) as EventMetadata | undefined,
  };
}
