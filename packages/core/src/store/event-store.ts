import type { Item } from "../capacity/item-size.ts";
import type { LogReads } from "../log/log-reads.ts";
import type { ExportOptions, ImportResult, TransferredCommit } from "./transferred-commit.ts";
import type { EventDefinitions, NewEventOf, RecordedCommit, RecordedEventOf } from "../events.ts";
import type {
  AppendOptions,
  AppendResult,
  TransactWrite,
  TransactOptions,
  TransactResult,
  CommitGroupOptions,
  CommitGroup,
} from "./write-options.ts";
import type {
  ReadOptions,
  ReadCategoryOptions,
  LoadOptions,
  Fold,
  LoadResult,
  TruncateOptions,
  TruncateResult,
} from "./read-options.ts";

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
