import type { Item } from "./capacity/item-size.ts";
import type { Capacity } from "./capacity/units.ts";
import type { AlsoWrite } from "./chain/storage.ts";
import type { RecordedCommit } from "./events.ts";
import type { ExpectedVersion } from "./chain/tiling.ts";
import { TuppenceError } from "./errors.ts";

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
