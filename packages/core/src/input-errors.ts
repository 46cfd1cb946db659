import { TuppenceError } from "./errors.ts";

/** A state does not fit into an item, so that a stream can't be truncated. Nothing was written. */
export class SnapshotTooLargeError extends TuppenceError {
  readonly code = "snapshotTooLarge";
  readonly retryable = false;
  readonly streamId: string;
  /** Bytes needed. */
  readonly size: number;
  readonly limit: number;

  constructor(streamId: string, size: number, limit: number) {
    super(
      `The state of stream ${JSON.stringify(streamId)} takes ${size} bytes as a snapshot; the limit is ${limit} bytes.`,
    );
    this.streamId = streamId;
    this.size = size;
    this.limit = limit;
  }
}

/** A transaction is larger than DynamoDB allows. Nothing was written. */
export class TransactionTooLargeError extends TuppenceError {
  readonly code = "transactionTooLarge";
  readonly retryable = false;
  /** Bytes of all items together (or, for `limitOf: "actions"`, items, checks and other writes). */
  readonly size: number;
  readonly limit: number;
  readonly limitOf: "transaction" | "actions";

  constructor(size: number, limit: number, limitOf: "transaction" | "actions") {
    const unit = limitOf === "actions" ? "items, checks and other writes" : "bytes";
    super(`The transaction takes ${size} ${unit}; DynamoDB's limit is ${limit}.`);
    this.size = size;
    this.limit = limit;
    this.limitOf = limitOf;
  }
}

/** An event, or all events of an append together, do not fit into DynamoDB. Nothing was sent. */
export class EventTooLargeError extends TuppenceError {
  readonly code = "eventTooLarge";
  readonly retryable = false;
  readonly streamId: string;
  /** Bytes needed, after compression where that helps. */
  readonly size: number;
  /** Bytes allowed (or, for `limitOf: "actions"`, items). */
  readonly limit: number;
  /** What the limit is one of: an item (one event), a transaction (a whole append), or the number of a transaction's actions. */
  readonly limitOf: "item" | "transaction" | "actions";
  /** Which event of the append it is, from 0; undefined when it is the append as a whole. */
  readonly eventIndex: number | undefined;

  constructor(tooLarge: {
    readonly streamId: string;
    readonly size: number;
    readonly limit: number;
    readonly limitOf: "item" | "transaction" | "actions";
    readonly eventIndex?: number | undefined;
  }) {
    const { streamId, size, limit, limitOf, eventIndex } = tooLarge;
    const what = eventIndex === undefined ? "The append" : `Event ${eventIndex} of the append`;
    const unit = limitOf === "actions" ? "items" : "bytes";
    super(
      `${what} to stream ${JSON.stringify(streamId)} takes ${size} ${unit}; ` +
        `DynamoDB's limit for ${limitOf === "item" ? "an item" : "a transaction"} is ${limit} ${unit}.` +
        (limitOf === "item" ? " A store with `blobs` takes it." : ""),
    );
    this.streamId = streamId;
    this.size = size;
    this.limit = limit;
    this.limitOf = limitOf;
    this.eventIndex = eventIndex;
  }
}

/** One thing that is wrong with an event. */
export interface EventIssue {
  /** Where, from the event down: `data.items[2].price`. */
  readonly path: string;
  readonly message: string;
}

/** An event does not match its schema, or holds what JSON can't keep. Nothing was sent. */
export class InvalidEventError extends TuppenceError {
  readonly code = "invalidEvent";
  readonly retryable = false;
  /** Which event of the append, from 0. */
  readonly eventIndex: number;
  readonly eventType: string;
  /** Where in the event the first issue is: `data.items[2].price`. */
  readonly path: string;
  readonly issues: readonly EventIssue[];

  constructor(invalid: {
    readonly eventIndex: number;
    readonly eventType: string;
    readonly issues: readonly [EventIssue, ...EventIssue[]];
  }) {
    const { eventIndex, eventType, issues } = invalid;
    const list = issues.map((issue) => `${issue.path}: ${issue.message}`).join("; ");
    super(`Event ${eventIndex} (${eventType || "without a type"}) can't be appended. ${list}`);
    this.eventIndex = eventIndex;
    this.eventType = eventType;
    this.path = issues[0].path;
    this.issues = issues;
  }
}

/** An append without events. Nothing was sent. */
export class NoEventsError extends TuppenceError {
  readonly code = "noEvents";
  readonly retryable = false;
  readonly streamId: string;

  constructor(streamId: string) {
    super(`An append to stream ${JSON.stringify(streamId)} holds no event; give at least one.`);
    this.streamId = streamId;
  }
}

/** A stream can't have this name. Nothing was sent. */
export class InvalidStreamIdError extends TuppenceError {
  readonly code = "invalidStreamId";
  readonly retryable = false;
  readonly streamId: unknown;

  constructor(streamId: unknown, reason: string) {
    super(
      `${typeof streamId === "string" ? JSON.stringify(streamId) : String(streamId)} is no stream name: ${reason}.`,
    );
    this.streamId = streamId;
  }
}

/** A commit to import can't be stored as it is. Those before it were stored, those after it were not. */
export class InvalidImportError extends TuppenceError {
  readonly code = "invalidImport";
  readonly retryable = false;
  /** Which of the commits given, from 0. */
  readonly index: number;

  constructor(index: number, options: { readonly cause: unknown }) {
    const { cause } = options;
    super(
      `Commit ${index} of the import: ${cause instanceof Error ? cause.message : String(cause)}`,
      options,
    );
    this.index = index;
  }
}
