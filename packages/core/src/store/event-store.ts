import type { Capacity } from "../capacity/units.ts";
import type { AlsoWrite, Consistency } from "../chain/storage.ts";
import type { ExpectedVersion } from "../chain/tiling.ts";
import type { Item } from "../capacity/item-size.ts";
import type { LogReads } from "../log/log-reads.ts";
import type { AlsoOfEvents } from "./also-writes.ts";
import type { NextSnapshot } from "./next-snapshot.ts";
import type { ExportOptions, ImportResult, TransferredCommit } from "./transferred-commit.ts";
import type { SnapshotPolicy } from "./snapshot.ts";
import type {
  EventDefinitions,
  EventMetadata,
  NewEventOf,
  RecordedCommit,
  RecordedEventOf,
} from "../events.ts";
import type { StateCache } from "../state-cache.ts";

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

export interface ReadOptions {
  /** `"forward"` (default): from the oldest event on. `"backward"`: from the newest. */
  readonly direction?: "forward" | "backward" | undefined;
  /** The version to begin with, inclusive. Default: the first, or backward the last. */
  readonly fromVersion?: number | undefined;
  /** The version to end with, inclusive. Default: the last, or backward the first. */
  readonly toVersion?: number | undefined;
  /** At most so many events. Default: all. */
  readonly limit?: number | undefined;
  /** Leave out what was recorded later, by the writers' clocks. Default: nothing. */
  readonly asOf?: Date | undefined;
  /** `"strong"` (default) sees every acknowledged append; `"eventual"` costs half and may be a little behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadCategoryOptions {
  /** Begin after this stream: the last one that an earlier read was through with. Default: with the first. */
  readonly after?: string | undefined;
  /** Leave out what was recorded later, by the writers' clocks. Default: nothing. */
  readonly asOf?: Date | undefined;
  /** `"strong"` (default) sees every acknowledged append to the streams listed; `"eventual"` costs half. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadOptions<State> {
  /**
   * Where to find an earlier state to go on from, and to keep this one. With `from`, `toVersion` or `asOf` it is left
   * alone; with `"eventual"` consistency it is used and not filled. Default: none.
   */
  readonly cache?: StateCache<State> | undefined;
  /** An earlier result to go on from, so that only later events are read. Default: from the initial state. */
  readonly from?:
    | (Pick<LoadResult<State>, "state" | "version"> &
        Partial<Pick<LoadResult<State>, "snapshotVersion" | "subjects">>)
    | undefined;
  /** The last version to fold, inclusive: the state as of then. Default: the last there is. */
  readonly toVersion?: number | undefined;
  /** Leave out what was recorded later, by the writers' clocks. Default: nothing. */
  readonly asOf?: Date | undefined;
  /** `"strong"` (default) sees every acknowledged append; `"eventual"` costs half and may be a little behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the state of a stream follows from its events. */
export interface Fold<State, Event> {
  readonly initialState: () => State;
  readonly evolve: (state: State, event: Event) => State;
  /** Keeps the state next to the events, so that a load reads one page however long the stream is. Default: not kept. */
  readonly snapshot?: SnapshotPolicy<State> | undefined;
}

export interface LoadResult<State> {
  readonly state: State;
  /** The version of the last event folded, 0 when there is no stream: what the next append can expect. */
  readonly version: number;
  /** The version of the newest snapshot that was of use, 0 when there was none. */
  readonly snapshotVersion: number;
  /** Whose encrypted data went into the state; empty without encryption. */
  readonly subjects: readonly string[];
  /** The version after which events were folded: that of the snapshot or the earlier result gone on from, or 0. */
  readonly foldedAfter: number;
  readonly capacity: Capacity;
}

export interface TruncateOptions {
  /** The first version to keep. What is kept may begin a little earlier: appends are kept or truncated as a whole. */
  readonly before: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TruncateResult {
  /** The first version that is kept; 1 when nothing was truncated. */
  readonly firstVersion: number;
  readonly capacity: Capacity;
}

export interface ListStreamsOptions {
  /** Go on after this stream: the last one of an earlier page. Default: from the start. */
  readonly after?: string | undefined;
  /** At most so many. Default: all. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * An append-only store of event streams. A stream is named `category|id`; the first version of each is 1.
 *
 * Every method rejects with `TableMissingError` when the table is not there, and passes throttling and
 * credential errors of the AWS SDK through. Errors of ours are told apart by `code`.
 */
export interface EventStore<Definitions extends EventDefinitions = EventDefinitions>
  extends LogReads<Definitions> {
  /**
   * Appends events to a stream, all or none. When it resolves, they are stored; whatever was lost on the way,
   * they are stored once.
   *
   * Cost: 1 request; 1 WCU for each KB of all events together, after compression where that saves a unit, and
   * 1 more for a new stream. An append above 400 KB, or with `also`, is one transaction and costs twice that, as the other
   * writes do. A body above an item goes to the store's `blobs` first.
   *
   * @throws VersionConflictError when the stream is not where it is expected; nothing was written.
   * @throws StreamClosedError when the stream was closed; nothing was written.
   * @throws WriteRefusedError when the condition of a write in `also` does not hold; nothing was written.
   * @throws NoEventsError, InvalidEventError, InvalidStreamIdError, EventTooLargeError before anything is sent.
   * @throws TransactionTooLargeError when `also` makes it more than 100 actions or 4 MB, before anything is written.
   * @throws OutcomeUnknownError when the connection stayed broken; it says how to find out.
   * @throws RangeError for an `expectedVersion` that is no version, TypeError for a `commitId` that is none or an `also` that
   *   can't be.
   */
  append(
    streamId: string,
    events: readonly NewEventOf<Definitions>[],
    options?: AppendOptions,
  ): Promise<AppendResult<Definitions>>;

  /**
   * Appends to several streams at once, and only if all of them, and those that are only checked, are where they are
   * expected: all or nothing. Another transaction on the same streams at the same moment is waited for; a stream that
   * is elsewhere is a conflict. Without writes it only checks: it resolves if all streams were there at one moment.
   *
   * Cost: 1 request, and 1 more for each stream whose end this store has not seen (unless it expects `"noStream"`);
   * 2 WCU for each KB of each stream's events, 1 for each new stream, and 2 for each check (none for `"streamExists"`).
   * A single stream without checks costs what an append costs; without writes, a check costs 2 RCU. Writes in `also` cost
   * 2 WCU for each KB, which the result knows of puts; the others are counted as 1 KB.
   *
   * @throws TransactConflictError with every expectation that does not hold; nothing was written.
   * @throws WriteRefusedError when all streams are where they are expected, and the condition of a write in `also` does not
   *   hold; nothing was written.
   * @throws TransactionTooLargeError above 100 actions or 4 MB; and NoEventsError, InvalidEventError,
   *   InvalidStreamIdError, EventTooLargeError, all before anything is written.
   * @throws OutcomeUnknownError when the connection stayed broken; it says how to find out.
   * @throws TypeError when no stream is given or one is named twice, and as `append`; RangeError as `append`.
   */
  transact(
    writes: readonly TransactWrite<Definitions>[],
    options?: TransactOptions,
  ): Promise<TransactResult<Definitions>>;

  /**
   * Begins a group of commits that go into one item right after a version: a group commit whose events are known
   * before they are stored, so that one can follow from the other. Nothing is written before `append`.
   *
   * Cost: none for a version that this store has seen, otherwise 1 read of the stream's tail.
   *
   * @throws VersionConflictError when the stream is seen to be elsewhere.
   */
  openGroup(streamId: string, options: CommitGroupOptions): Promise<CommitGroup<Definitions>>;

  /**
   * Reads the whole transaction that an event belongs to: what it appended to each stream. An append to one stream is a
   * transaction of one. Answers undefined when the stream has no event of that version.
   *
   * Cost: 1 request and 1 RCU for each of its streams, more where an item is above 4 KB; strongly consistent.
   *
   * @throws UnknownEventTypeError, IntegrityError as `read`; RangeError for a version that is none.
   */
  readTransaction(
    event: { readonly streamId: string; readonly version: number },
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Omit<TransactResult<Definitions>, "duplicate"> | undefined>;

  /**
   * Reads a stream's events; nothing for a stream that does not exist. Leaving the loop stops fetching.
   *
   * Cost: 1 request for each MB, 1 RCU for each 4 KB (half with `"eventual"`); 1 request and about 1 RCU more when
   * the range begins inside an append of several events.
   *
   * @throws UnknownEventTypeError for an event whose type or schema version is not among the definitions, unless the
   *   store has `unknownEvents: "raw"`; UpcastError for one whose upcaster threw.
   * @throws EncryptionMissingError, BlobsMissingError for what needs a hook that the store does not have.
   * @throws IntegrityError when the table was changed from outside.
   */
  read(streamId: string, options?: ReadOptions): AsyncIterable<RecordedEventOf<Definitions>>;

  /**
   * Folds a stream's events into its state.
   *
   * Cost and errors: as `read`. When the fold keeps snapshots, the stream is read from its end back to the newest of them:
   * 1 request when that is among the last 4 items, or as many as `every` says, which is how many are read at once until a
   * snapshot was seen to ride for free. With a `cache` that holds the stream, as
   * reading what is new: 1 request, 1 RCU for each 4 KB begun and at least 1.
   *
   * @throws StreamTruncatedError when events that the state follows from were truncated and no snapshot of this fold is there.
   * @throws TypeError for a `cache` of another store or another `evolve`.
   */
  load<State>(
    streamId: string,
    fold: Fold<State, RecordedEventOf<Definitions>>,
    options?: LoadOptions<State>,
  ): Promise<LoadResult<State>>;

  /**
   * Takes away the events before a version, for good, and keeps the state that they led to in their place. The version
   * and what follows stay as they are; the last append is never taken away. Reads begin with the first event kept; a
   * load needs a fold with a snapshot of the version that this one has, or one that can `restore` it. Repeating a truncation that was
   * interrupted completes it.
   *
   * Cost: that of reading what is truncated, and 1 WCU for each KB of each append truncated.
   *
   * @throws TypeError when the fold keeps no snapshots, RangeError for a version that is none.
   * @throws SnapshotTooLargeError when the state does not fit into an item; nothing was truncated.
   */
  truncate<State>(
    streamId: string,
    fold: Fold<State, RecordedEventOf<Definitions>>,
    options: TruncateOptions,
  ): Promise<TruncateResult>;

  /**
   * Finds a commit by its id: whether an append whose outcome was unknown is stored, say. Its events are empty if they were
   * truncated. Cost: that of reading the stream from its end back to the commit, or to its start.
   */
  findCommit(
    streamId: string,
    commitId: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<RecordedCommit<RecordedEventOf<Definitions>> | undefined>;

  /** Whether a stream has events. Cost: none if this store has seen it, otherwise 1 request, strongly consistent. */
  streamExists(streamId: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<boolean>;

  /**
   * Reads the events of all streams of a category: each stream's in order, the streams one after the other in order of
   * their names. What is appended meanwhile may or may not be in it. Leaving the loop stops fetching.
   *
   * Cost: that of listing the streams and reading each; a few are read ahead.
   *
   * @throws what `read` throws; RangeError for a category that is empty or has a `|`.
   */
  readCategory(category: string, options?: ReadCategoryOptions): AsyncIterable<RecordedEventOf<Definitions>>;

  /**
   * The names of a category's streams, in order of their UTF-8 bytes; without a category, of all streams in no order.
   * Eventually consistent: a new stream appears within a moment. Cost: 1 request for each MB of names, 0.5 RCU for each 4 KB.
   *
   * @throws RangeError for `after` without a category.
   */
  listStreams(category: string | undefined, options?: ListStreamsOptions): AsyncIterable<string>;

  /**
   * The events in an item of the store's table, as a record of the table's stream shows it: those of one commit or, where
   * appends of one process waited for each other, of a few; of a large append a part. None for items that hold no events.
   *
   * @throws what `read` throws; TypeError for what is no such item.
   */
  eventsIn(item: Item): Promise<readonly RecordedEventOf<Definitions>[]>;

  /**
   * All commits of one stream, a category or the whole store, as plain values: one line of JSON each makes a backup.
   * The commits of a stream come in order; streams come one after the other. Bodies are given as they are stored,
   * whatever the definitions say now; encrypted ones stay encrypted. Cost: that of listing and reading the streams, strongly consistent.
   */
  exportCommits(options?: ExportOptions): AsyncIterable<TransferredCommit>;

  /**
   * Stores commits that come from an export, or from another kind of store, where they were: versions, ids and
   * times are kept. The commits of a stream have to come in order and go on where the stream ends; they are not held
   * to the definitions, and bodies are stored as they come, neither encrypted nor decrypted. Commits that are there already are recognised by their ids, so an import that was
   * interrupted can be repeated. Cost: 1 request for each commit, and the write units of an append.
   *
   * @throws InvalidImportError for a commit that is none; those before it are stored.
   * @throws VersionConflictError when the stream has other events there.
   */
  importCommits(
    commits: AsyncIterable<TransferredCommit> | Iterable<TransferredCommit>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<ImportResult>;

  /**
   * Creates the store's table if it is not there and waits until it can be used; safe to call at every start,
   * though in production tables belong to the infrastructure code (see `eventsTable`).
   *
   * @throws TableMismatchError when a table of that name is not one of ours.
   */
  ensureTables(): Promise<void>;
}
