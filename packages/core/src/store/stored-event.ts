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
  /** Whose key the body is encrypted with; undefined when it is in the clear. */
  readonly subject: string | undefined;
  /** Bytes from `b`, or where they are. */
  readonly body: Uint8Array | BlobReference;
}

/** What a commit says of a body that no item can hold. */
export interface BlobReference {
  readonly name: string;
  /** Its length. */
  readonly bytes: number;
  /** Base64. */
  readonly sha256: string;
}

/** Begins an entry `[1, type, subject]`, with the encrypted body in the list `b`. */
const ENCRYPTED = 1;
/** Begins an entry `[2, type, name, bytes, sha256]`. */
const BLOB = 2;
/** Begins an entry `[3, type, subject, name, bytes, sha256]`, of an encrypted blob. */
const ENCRYPTED_BLOB = 3;

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

/** The entry of an event whose body is a blob. */
export function blobEntryText(type: string, subject: string | undefined, blob: BlobReference): string {
  const { name, bytes, sha256 } = blob;
  return JSON.stringify(
    subject === undefined
      ? [BLOB, type, name, bytes, sha256]
      : [ENCRYPTED_BLOB, type, subject, name, bytes, sha256],
  );
}

/** The event of an entry, whose body may be the next of those in `b`; undefined in a form that this release can't read. */
export function readEntry(entry: unknown, bodies: Iterator<Uint8Array, undefined>): StoredEvent | undefined {
  if (!Array.isArray(entry)) return undefined;
  if (typeof entry[0] === "string") return readPlainEntry(entry);
  const [form, type, ...rest] = entry as readonly unknown[];
  if (typeof type !== "string") return undefined;
  const subject = form === BLOB ? undefined : rest.shift();
  if (form !== BLOB && typeof subject !== "string") return undefined;
  const body = form === ENCRYPTED ? bodies.next().value : readReference(form, rest);
  return body && { type, subject: subject as string | undefined, body };
}

function readReference(form: unknown, rest: readonly unknown[]): BlobReference | undefined {
  const [name, bytes, sha256] = rest;
  if (form !== BLOB && form !== ENCRYPTED_BLOB) return undefined;
  if (typeof name !== "string" || typeof bytes !== "number" || typeof sha256 !== "string") return undefined;
  return { name, bytes, sha256 };
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
