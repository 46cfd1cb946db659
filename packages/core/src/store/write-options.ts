import type { Capacity } from "../capacity/units.ts";
import type { AlsoWrite } from "../chain/storage.ts";
import type { ExpectedVersion } from "../chain/tiling.ts";
import type { AlsoOfEvents } from "./also-writes.ts";
import type { NextSnapshot } from "./next-snapshot.ts";
import type { EventDefinitions, EventMetadata, NewEventOf, RecordedEventOf } from "../events.ts";

export interface AppendOptions {
  /**
   * Where the stream has to be; otherwise nothing is written. Default `"any"`. A number is the version that a
   * load, a read or an append gave (0: no such stream): one that this store has not seen is checked first, with
   * one read of the stream's tail.
   */
  readonly expectedVersion?: ExpectedVersion | undefined;
  /**
   * An id of your own for this append (26 characters: `createCommitId()`, or `commitIdFrom(requestId)`), so that
   * it can be repeated until it is known to be stored: a repetition writes nothing and gives the first result
   * with `duplicate: true`. With `"any"` and `"streamExists"` the whole stream is searched for it, which costs
   * what reading the stream costs; with a number or `"noStream"` only the place right after that version is, which
   * costs nothing. Default: a new id.
   */
  readonly commitId?: string | undefined;
  /** Metadata for all events of the append: correlation and causation ids, trace context and what you like. */
  readonly metadata?: EventMetadata | undefined;
  /**
   * Closes the stream with this append: later ones are refused with `StreamClosedError`, for good. Only then an append
   * may be without events; it leaves the version as it is, and the stream has to exist. Default false.
   */
  readonly close?: boolean | undefined;
  /**
   * Takes a snapshot of the state after the append, if its fold has a policy and it is time: `snapshotAfter(fold, loaded)` for
   * the result of the load whose version is expected. A command handler does that by itself. Default: none.
   */
  readonly snapshot?: NextSnapshot | undefined;
  /**
   * Writes to other tables of the same account and Region, made together with the append or not at all, and once with it:
   * documents that follow from the events, a counter, an outbox. Each is a `Put`, `Update`, `Delete` or `ConditionCheck` of
   * `TransactWriteItems` with plain attribute values. When one of their conditions does not hold, nothing is written, unless a stream
   * that is elsewhere comes first. At `"any"` version the append may have to be sent again, with the same writes. What DynamoDB
   * itself refuses (two writes to one item, say), or a table that is missing, is the SDK's error, untouched. Stores in memory
   * have no other tables. Default: none.
   *
   * Where they follow from the place of the append, a function tells them: it is given the events exactly as they will be
   * stored, right before they are sent, and again with each other place that they would get at `"any"` version. What it
   * throws is thrown by the append, and nothing is written.
   */
  readonly also?: readonly AlsoWrite[] | AlsoOfEvents | undefined;
  /** Gives up. Once the append is sent, that leaves open whether it is stored: `commitId` lets you find out. */
  readonly signal?: AbortSignal | undefined;
}

export interface AppendResult<Definitions extends EventDefinitions> {
  readonly streamId: string;
  /** The version of the first event of the append. */
  readonly firstVersion: number;
  /** The version of its last event: what the next append can expect. */
  readonly version: number;
  readonly commitId: string;
  /** Whether an earlier append with the same commit id had stored it already, and nothing was written now. */
  readonly duplicate: boolean;
  /** The events as they are stored; of a repetition whose stream was truncated since, those that are still there. */
  readonly events: readonly RecordedEventOf<Definitions>[];
  /** The version of the snapshot that was stored with the append; undefined: none. */
  readonly snapshotVersion?: number | undefined;
  /** Why the snapshot that was due could not be stored, though the append was; undefined when there is nothing to say. */
  readonly snapshotError?: unknown;
  /** What was consumed. Appends that went into one put together have it counted at the first of them. */
  readonly capacity: Capacity;
}

/** What a transaction appends to one stream. */
export interface TransactWrite<Definitions extends EventDefinitions> {
  readonly streamId: string;
  readonly events: readonly NewEventOf<Definitions>[];
  /** Where the stream has to be. Default `"any"`. */
  readonly expectedVersion?: ExpectedVersion | undefined;
  /** Closes the stream; only then it may be without events. Default false. */
  readonly close?: boolean | undefined;
}

/** A stream that a transaction does not write to, and where it has to be all the same. */
export interface TransactCheck {
  readonly streamId: string;
  /** A number also holds for a closed stream of that version; `"any"` checks nothing. */
  readonly expectedVersion: ExpectedVersion;
}

export interface TransactOptions {
  /** Streams that are only checked. Default: none. */
  readonly checks?: readonly TransactCheck[] | undefined;
  /**
   * An id of your own for the transaction (26 characters: `createCommitId()`, or `commitIdFrom(requestId)`): repeating it,
   * at any time, writes nothing and gives the first result with `duplicate: true`. It is looked for right after the
   * version of a write that expects a number or `"noStream"`, at no cost; when no write does, the first stream
   * is searched, which costs what reading it costs. Default: a new id.
   */
  readonly commitId?: string | undefined;
  /** Metadata for all events of the transaction. */
  readonly metadata?: EventMetadata | undefined;
  /**
   * Writes to other tables, made together with the transaction or not at all, as in an append. Only with at least one
   * stream that is written to. Default: none.
   */
  readonly also?: readonly AlsoWrite[] | undefined;
  /** Gives up. Once the transaction is sent, that leaves open whether it is stored: `commitId` lets you find out. */
  readonly signal?: AbortSignal | undefined;
}

export interface TransactResult<Definitions extends EventDefinitions> {
  /** All parts carry it; event ids count on over the parts. */
  readonly commitId: string;
  /** Whether an earlier transaction with the same commit id had stored it already, and nothing was written now. */
  readonly duplicate: boolean;
  /** What was appended to each stream, in the order given. */
  readonly appends: readonly Omit<AppendResult<Definitions>, "commitId" | "duplicate" | "capacity">[];
  readonly capacity: Capacity;
}

export interface CommitGroupOptions {
  /** The version that the stream has to be at, as a load or an append gave it. */
  readonly expectedVersion: number;
  readonly signal?: AbortSignal | undefined;
}

/** Commits that will be stored in one item, each with its own id and metadata. */
export interface CommitGroup<Definitions extends EventDefinitions> {
  /**
   * Adds a commit behind the others; one call after the other. Answers its events exactly as they will be stored, or
   * undefined when the commit does not fit beside the others any more.
   *
   * @throws NoEventsError, InvalidEventError, EventTooLargeError; the group is as it was before.
   * @throws TypeError for a `commitId` that is none, or that the group has already.
   */
  add(
    events: readonly NewEventOf<Definitions>[],
    options?: Pick<AppendOptions, "commitId" | "metadata">,
  ): Promise<readonly RecordedEventOf<Definitions>[] | undefined>;
  /**
   * Stores the commits, all or none, and answers a result for each. Call it once.
   *
   * Cost: that of one append of all the events.
   *
   * @throws VersionConflictError when the stream has moved on, even if it holds some of the commits by now: those with
   * ids of the caller's own, stored by another process, are among its events.
   * @throws OutcomeUnknownError when the connection stayed broken. Its id is that of the first commit; each commit has
   * to be asked for by its own, which is in its events' ids.
   */
  append(options?: {
    /** Takes a snapshot of the state after the group, as with `append` of the store. Default: none. */
    readonly snapshot?: NextSnapshot | undefined;
  }): Promise<readonly AppendResult<Definitions>[]>;
}
