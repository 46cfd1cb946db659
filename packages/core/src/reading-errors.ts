import { TuppenceError } from "./errors.ts";

/** A stream holds an event of a type, or of a newer schema version of one, that the given definitions do not know. */
export class UnknownEventTypeError extends TuppenceError {
  readonly code = "unknownEventType";
  readonly retryable = false;
  readonly streamId: string;
  readonly version: number;
  readonly eventType: string;
  /** The version of the type's schema that the event was stored with, from 1. */
  readonly schemaVersion: number;

  constructor(unknownEvent: {
    readonly streamId: string;
    readonly version: number;
    readonly eventType: string;
    readonly schemaVersion: number;
  }) {
    const { streamId, version, eventType, schemaVersion } = unknownEvent;
    const newer = schemaVersion === 1 ? "" : ` with schema version ${schemaVersion}`;
    super(
      `Stream ${JSON.stringify(streamId)}, version ${version}: ` +
        `no event type ${JSON.stringify(eventType)}${newer} is defined.`,
    );
    this.streamId = streamId;
    this.version = version;
    this.eventType = eventType;
    this.schemaVersion = schemaVersion;
  }
}

/** An upcaster threw, so an event that was stored with an older schema version can't be read. */
export class UpcastError extends TuppenceError {
  readonly code = "upcast";
  readonly retryable = false;
  readonly streamId: string;
  readonly version: number;
  readonly eventType: string;
  /** The schema version that the upcaster was to lead away from, from 1. */
  readonly fromSchemaVersion: number;
  /** The schema version that the event is stored with. */
  readonly storedSchemaVersion: number;

  constructor(
    failed: {
      readonly streamId: string;
      readonly version: number;
      readonly eventType: string;
      readonly fromSchemaVersion: number;
      readonly storedSchemaVersion: number;
    },
    options: { readonly cause: unknown },
  ) {
    const { streamId, version, eventType, fromSchemaVersion: from, storedSchemaVersion } = failed;
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      `Stream ${JSON.stringify(streamId)}, version ${version}: the upcaster of event type ` +
        `${JSON.stringify(eventType)} from schema version ${from} to ${from + 1} failed: ${reason}`,
      options,
    );
    this.streamId = streamId;
    this.version = version;
    this.eventType = eventType;
    this.fromSchemaVersion = from;
    this.storedSchemaVersion = storedSchemaVersion;
  }
}

/** An event is encrypted, and the store that reads it has no `encryption`. */
export class EncryptionMissingError extends TuppenceError {
  readonly code = "encryptionMissing";
  readonly retryable = false;
  readonly streamId: string;
  readonly version: number;
  /** Whose key the event is encrypted with. */
  readonly subject: string;

  constructor(encrypted: { readonly streamId: string; readonly version: number; readonly subject: string }) {
    const { streamId, version, subject } = encrypted;
    super(
      `Stream ${JSON.stringify(streamId)}, version ${version} is encrypted with the key of ` +
        `${JSON.stringify(subject)}; open the store with \`encryption\`.`,
    );
    this.streamId = streamId;
    this.version = version;
    this.subject = subject;
  }
}

/** The body of an event is a blob, and the store that reads it has no `blobs`. */
export class BlobsMissingError extends TuppenceError {
  readonly code = "blobsMissing";
  readonly retryable = false;
  readonly streamId: string;
  readonly version: number;
  /** The blob's name. */
  readonly blob: string;

  constructor(event: { readonly streamId: string; readonly version: number; readonly blob: string }) {
    const { streamId, version, blob } = event;
    super(
      `Stream ${JSON.stringify(streamId)}, version ${version} has its body in blob ${JSON.stringify(blob)}; ` +
        "open the store with `blobs`.",
    );
    this.streamId = streamId;
    this.version = version;
    this.blob = blob;
  }
}
