import type { EventMetadata } from "../events.ts";

/** How a store treats what events hold. */
export interface BodyOptions {
  /**
   * What reads do with an event whose type, or whose schema version, is not among the definitions: an older release
   * reads what a newer one wrote, or a type is gone from the code. `"error"` (default): the read fails with
   * `UnknownEventTypeError`. `"raw"`: the event comes as it is stored. It is outside the union of event types then,
   * so `evolve` needs a default; one with a newer schema version even has a type of the union with data of
   * another shape. Without definitions every event comes as it is stored.
   */
  readonly unknownEvents?: "error" | "raw" | undefined;
  /** Encrypts bodies with a key for each subject, so that dropping the key forgets them. Default: all in the clear. */
  readonly encryption?: Encryption | undefined;
  /** Where bodies go that do not fit an item even when compressed. Default: nowhere, they are refused. */
  readonly blobs?: Blobs | undefined;
}

/**
 * Bodies outside of the table, by name. A body is put before the commit that names it is written, so an append that
 * is refused or repeated may leave blobs that nothing names. Reads check length and SHA-256. Names consist of letters,
 * digits, `/` and `-`. A blob stays as it is for as long as its event is kept; one that is encrypted is forgotten by its
 * key, not by its deletion.
 *
 * What these functions throw, reads and appends pass through; an append has written nothing to the table then.
 */
export interface Blobs {
  /** Resolves when the body is kept. The same name always comes with the same bytes. */
  readonly put: (name: string, body: Uint8Array) => Promise<void>;
  /** Sees every body that was put; undefined when there is none. */
  readonly get: (name: string) => Promise<Uint8Array | undefined>;
}

/**
 * Encryption of events' bodies, each with the key of the subject whose data it holds. Dropping a key makes all its
 * events unreadable, wherever copies of them are: they are read as `$forgotten`.
 *
 * Encrypted are data and metadata, also the metadata that the append gives for all its events. In the clear stay the
 * stream's name, the event's type and the subject, so let names and subjects say nothing about a person. Where
 * an append also holds events in the clear, the metadata for all of it is in the clear with those.
 *
 * What these functions throw, reads and appends pass through; an append has written nothing then.
 */
export interface Encryption {
  /** Whose data an event holds, once it is validated; undefined to store it in the clear. */
  readonly subjectOf: (event: EventToEncrypt) => string | undefined;
  /**
   * Encrypts a body with the subject's key, making one if there is none. The bytes are compressed already where that
   * helps. They come back from `decrypt` only if the cipher tells that nobody changed them: use an authenticated one.
   */
  readonly encrypt: (subject: string, body: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /**
   * The body again; undefined when the subject's key has been dropped, which makes the event forgotten. A subject that
   * comes back after that gets a new key, so let the bytes say which of its keys they need.
   */
  readonly decrypt: (
    subject: string,
    body: Uint8Array,
  ) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** An event that is about to be stored. */
export interface EventToEncrypt {
  readonly streamId: string;
  readonly type: string;
  readonly data: unknown;
  /** That of the append with the event's own laid over it. */
  readonly metadata: EventMetadata;
}
