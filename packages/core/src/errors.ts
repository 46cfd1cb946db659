import type { Item } from "./capacity/item-size.ts";
import type { Capacity } from "./capacity/units.ts";
import type { AlsoWrite } from "./chain/storage.ts";
import type { RecordedCommit } from "./events.ts";
import type { ExpectedVersion } from "./chain/tiling.ts";

/** What every operating error of Tuppence has. Tell them apart by `code`; `docs/errors.md` lists them all. */
export abstract class TuppenceError extends Error {
  /** Says what happened; never changes between releases. */
  abstract readonly code: string;
  /** Whether the same call may succeed later without a change of its input. */
  abstract readonly retryable: boolean;

  override get name(): string {
    return this.constructor.name;
  }
}

/** The stream is not where the caller expected it to be. Nothing was written. Load again and decide again. */
export class VersionConflictError extends TuppenceError {
  readonly code = "versionConflict";
  readonly retryable = true;
  readonly streamId: string;
  readonly expected: ExpectedVersion;
  /** The version that the stream had reached when the conflict was seen (0: no such stream); it may have grown since. */
  readonly actual: number;
  /** The commit that took the place of the refused one, where the failed write brought it back. */
  readonly winningCommit: RecordedCommit | undefined;
  /** What finding out consumed: a refused write costs as much as an accepted one. */
  readonly capacity: Capacity;

  constructor(conflict: {
    readonly streamId: string;
    readonly expected: ExpectedVersion;
    readonly actual: number;
    readonly capacity: Capacity;
    readonly winningCommit?: RecordedCommit | undefined;
  }) {
    const { streamId, expected, actual } = conflict;
    const found = actual === 0 ? "it does not exist" : `it is at version ${actual}`;
    super(`Stream ${JSON.stringify(streamId)}: expected ${describeExpected(expected)}, but ${found}.`);
    this.streamId = streamId;
    this.expected = expected;
    this.actual = actual;
    this.winningCommit = conflict.winningCommit;
    this.capacity = conflict.capacity;
  }
}

/** The stream was closed: it takes no more events, now or later. Nothing was written. */
export class StreamClosedError extends TuppenceError {
  readonly code = "streamClosed";
  readonly retryable = false;
  readonly streamId: string;
  /** The version that the stream ended at. */
  readonly version: number;
  /** What finding out consumed. */
  readonly capacity: Capacity;

  constructor(closed: {
    readonly streamId: string;
    readonly version: number;
    readonly capacity: Capacity;
  }) {
    super(`Stream ${JSON.stringify(closed.streamId)} was closed at version ${closed.version}.`);
    this.streamId = closed.streamId;
    this.version = closed.version;
    this.capacity = closed.capacity;
  }
}

/** Events that a state follows from were truncated, and no snapshot of the fold is there in their place. */
export class StreamTruncatedError extends TuppenceError {
  readonly code = "streamTruncated";
  readonly retryable = false;
  readonly streamId: string;
  /** The first version that was kept. */
  readonly firstVersion: number;

  constructor(streamId: string, firstVersion: number) {
    super(
      `Stream ${JSON.stringify(streamId)} was truncated before version ${firstVersion}, and there is no snapshot that ` +
        "this fold can use: give it the `snapshot` that it was truncated with, or a `restore` that takes over from it.",
    );
    this.streamId = streamId;
    this.firstVersion = firstVersion;
  }
}

/** What was waited for did not come in time. It may still come. */
export class WaitTimeoutError extends TuppenceError {
  readonly code = "waitTimeout";
  readonly retryable = true;
  /** What was waited for. */
  readonly awaited: string;
  readonly timeoutMs: number;

  constructor(awaited: string, timeoutMs: number) {
    super(`Waited ${timeoutMs} ms for ${awaited}.`);
    this.awaited = awaited;
    this.timeoutMs = timeoutMs;
  }
}

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

/** An expectation of a transaction that does not hold. */
export interface StreamConflict {
  readonly streamId: string;
  readonly expected: ExpectedVersion;
  /** The version that the stream had reached when the conflict was seen (0: no such stream); it may have grown since. */
  readonly actual: number;
  /** Whether the stream is closed, so that nothing can be appended to it any more. */
  readonly closed: boolean;
  /** The commit that took the place of the refused one, where the failed write brought it back. */
  readonly winningCommit: RecordedCommit | undefined;
}

/** Streams of a transaction are not where they are expected. Nothing was written to any of them. */
export class TransactConflictError extends TuppenceError {
  readonly code = "transactConflict";
  /** Unless a stream to be written to is closed: that will not change. */
  readonly retryable: boolean;
  /** Every expectation that does not hold. */
  readonly conflicts: readonly StreamConflict[];
  /** What finding out consumed: a refused transaction costs as much as an accepted one. */
  readonly capacity: Capacity;

  constructor(conflicts: readonly StreamConflict[], capacity: Capacity) {
    super(conflicts.map(describeConflict).join(" "));
    this.retryable = !conflicts.some((conflict) => conflict.closed);
    this.conflicts = conflicts;
    this.capacity = capacity;
  }
}

function describeConflict({ streamId, expected, actual, closed }: StreamConflict): string {
  const stream = `Stream ${JSON.stringify(streamId)}`;
  if (closed) return `${stream} was closed at version ${actual}.`;
  const found = actual === 0 ? "it does not exist" : `it is at version ${actual}`;
  return `${stream}: expected ${describeExpected(expected)}, but ${found}.`;
}

/** A write whose condition does not hold. */
export interface RefusedWrite {
  /** Which of the writes given, from 0. */
  readonly index: number;
  readonly write: AlsoWrite;
  /** What the write found, if that came back. */
  readonly item: Item | undefined;
}

/** The conditions of other writes that were to be made together with an append do not hold. Nothing was written. */
export class WriteRefusedError extends TuppenceError {
  readonly code = "writeRefused";
  readonly retryable = false;
  /** Which writes of `also` were refused, from 0. */
  readonly indexes: readonly number[];
  /**
   * What each of these found: only if the write asked for it with `ReturnValuesOnConditionCheckFailure: "ALL_OLD"`, and
   * the item is there.
   */
  readonly items: readonly (Item | undefined)[];
  /** What finding out consumed: a refused transaction costs as much as an accepted one. */
  readonly capacity: Capacity;

  constructor(refused: readonly RefusedWrite[], capacity: Capacity) {
    const list = refused.map(({ index, write }) => `also[${index}] (${describeWrite(write)})`).join(", ");
    super(`Nothing was written, as conditions of other writes do not hold: ${list}.`);
    this.indexes = refused.map(({ index }) => index);
    this.items = refused.map(({ item }) => item);
    this.capacity = capacity;
  }
}

function describeWrite(write: AlsoWrite): string {
  const [kind = "", action] = Object.entries(write).find(([, value]) => value !== undefined) ?? [];
  return `${kind} in table ${JSON.stringify((action as { readonly TableName?: string })?.TableName)}`;
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

function describeExpected(expected: ExpectedVersion): string {
  switch (expected) {
    case "any":
      return "any version (given up after losing the race for the next slot too often)";
    case "noStream":
      return "that it does not exist";
    case "streamExists":
      return "that it exists";
    default:
      return `version ${expected}`;
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

/** Another process holds the lease by now, or may: whatever is done for it has to stop. */
export class LeaseLostError extends TuppenceError {
  readonly code = "leaseLost";
  readonly retryable = false;
  readonly group: string;
  readonly resource: string;
  /** Of the lease that was lost. */
  readonly epoch: number;
  /**
   * False when the position was certainly not written; true when a reply was lost before the lease was, so that it may
   * have been. The next owner goes on from what is stored, either way.
   */
  readonly mayBeWritten: boolean;

  constructor(lost: {
    readonly group: string;
    readonly resource: string;
    readonly epoch: number;
    readonly mayBeWritten: boolean;
  }) {
    const { group, resource, epoch, mayBeWritten } = lost;
    super(
      `The lease of ${JSON.stringify(resource)} in group ${JSON.stringify(group)} with epoch ${epoch} is lost` +
        (mayBeWritten ? "; the position may have been written." : "; nothing was written."),
    );
    this.group = group;
    this.resource = resource;
    this.epoch = epoch;
    this.mayBeWritten = mayBeWritten;
  }
}

/** The table does not exist in this account and Region (or, locally, this database). */
export class TableMissingError extends TuppenceError {
  readonly code = "tableMissing";
  readonly retryable = false;
  readonly tableName: string;

  constructor(tableName: string, options?: ErrorOptions) {
    super(
      `DynamoDB has no table ${JSON.stringify(tableName)} here. Create it once with ` +
        "`await store.ensureTables()` (of the event store, or of the lease group), or from `eventsTable(prefix)` or " +
        "`controlTable(prefix)` in your infrastructure code.",
      options,
    );
    this.tableName = tableName;
  }
}

/** A table of that name exists, but it is not one of ours. */
export class TableMismatchError extends TuppenceError {
  readonly code = "tableMismatch";
  readonly retryable = false;
  readonly tableName: string;
  /** One line for each difference. */
  readonly differences: readonly string[];

  constructor(tableName: string, differences: readonly string[]) {
    super(`Table ${JSON.stringify(tableName)} exists, but ${differences.join("; ")}.`);
    this.tableName = tableName;
    this.differences = differences;
  }
}

/**
 * The connection failed again and again, and it is not known whether the append was stored. Append once
 * more with `commitId`: if it was stored, that is recognised and nothing is written twice.
 */
export class OutcomeUnknownError extends TuppenceError {
  readonly code = "outcomeUnknown";
  readonly retryable = true;
  readonly streamId: string;
  readonly commitId: string;

  constructor(streamId: string, commitId: string, options: ErrorOptions) {
    super(
      `It is not known whether commit ${commitId} to stream ${JSON.stringify(streamId)} was stored; ` +
        "append it again with this commitId to find out.",
      options,
    );
    this.streamId = streamId;
    this.commitId = commitId;
  }
}

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

/** What is stored breaks a rule that nothing of ours can break: the table was changed from outside. */
export class IntegrityError extends TuppenceError {
  readonly code = "integrity";
  readonly retryable = false;
  readonly chain: string;
  /** The slot where it was seen. */
  readonly slot: number;

  constructor(chain: string, slot: number, problem: string, options?: ErrorOptions) {
    super(`Chain ${JSON.stringify(chain)}, slot ${slot}: ${problem}.`, options);
    this.chain = chain;
    this.slot = slot;
  }
}
