import type { Item } from "@tuppence/core";

/** One change of a table as its stream tells it, whether it came by GetRecords or by Lambda. */
export type StreamRecord = CommitRecord | ExpirationRecord | ChangeRecord | UnknownRecord;

/** What all records have. */
export interface RecordEnvelope {
  /** Place in the shard: digits, to be compared as numbers. Undefined only in a record of an unknown kind. */
  readonly sequenceNumber: string | undefined;
  /** The same whenever the record is delivered again. */
  readonly eventId: string | undefined;
  /** About when the change was made. */
  readonly changedAt: Date | undefined;
}

/** What happened to an item, with the images that the stream carries (its view type decides which). */
export interface ItemChange extends RecordEnvelope {
  readonly change: "insert" | "modify" | "remove";
  readonly keys: Item;
  readonly newImage: Item | undefined;
  readonly oldImage: Item | undefined;
}

/** An item of a chain was put: a commit, or a part of one that takes several items. */
export interface CommitRecord extends ItemChange {
  readonly kind: "commit";
  readonly change: "insert";
  /** The chain: a stream's name, or one of the system's, which begins with `$`. */
  readonly chain: string;
  readonly newImage: Item;
}

/** DynamoDB removed an item whose time to live was over. */
export interface ExpirationRecord extends ItemChange {
  readonly kind: "expiration";
  readonly change: "remove";
}

/** Any other change of an item. */
export interface ChangeRecord extends ItemChange {
  readonly kind: "change";
}

/** What this release does not know. It is handed on, never thrown away in silence. */
export interface UnknownRecord extends RecordEnvelope {
  readonly kind: "unknown";
  readonly raw: unknown;
}
