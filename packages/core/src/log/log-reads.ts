import type { Consistency } from "../chain/storage.ts";
import type { EventDefinitions, RecordedEvent, RecordedEventOf } from "../events.ts";

/** An event with its place in the global log. */
export type LoggedEvent<Event extends RecordedEvent = RecordedEvent> = Event & {
  /** Its number in the log; the first is 1, and there are no gaps. */
  readonly position: number;
};

/** Which events of the log are of interest; the others are passed over. */
export interface LogFilter<Definitions extends EventDefinitions = EventDefinitions> {
  /** Only events of these categories. Default: all. */
  readonly categories?: readonly string[] | undefined;
  /** Only events of these types. Default: all, whatever contexts they belong to: see `unknownEvents` of the store. */
  readonly types?: readonly (keyof Definitions & string)[] | undefined;
}

export interface ReadAllOptions<Definitions extends EventDefinitions = EventDefinitions>
  extends LogFilter<Definitions> {
  /** `"forward"` (default): from the oldest event on. `"backward"`: from the newest. */
  readonly direction?: "forward" | "backward" | undefined;
  /** The position to begin with, inclusive. Default: the first, or backward the last. */
  readonly fromPosition?: number | undefined;
  /** The position to end with, inclusive. Default: the last, or backward the first. */
  readonly toPosition?: number | undefined;
  /** At most so many events. Default: all. */
  readonly limit?: number | undefined;
  /** `"eventual"` (default) costs half of `"strong"`, and its end may be a moment behind; nothing is ever left out. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SubscribeAllOptions<Definitions extends EventDefinitions = EventDefinitions>
  extends LogFilter<Definitions> {
  /** The position to begin with, inclusive: one more than what was handled last. Default: 1. */
  readonly fromPosition?: number | undefined;
  /** How long to wait before looking for more once there is nothing more, in milliseconds. Default 200; each look costs 0.5 RCU. */
  readonly pollIntervalMs?: number | undefined;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** What a subscription gives at a time. */
export interface LogBatch<Event extends RecordedEvent = RecordedEvent> {
  /** In order; empty when all that was read was passed over, or there was nothing more. */
  readonly events: readonly LoggedEvent<Event>[];
  /** Everything up to this position was seen: where to go on after. 0 before the first event. */
  readonly position: number;
  /** Whether the log ended here when it was read. */
  readonly caughtUp: boolean;
}

export interface LogReaderOptions {
  /** How long to wait before looking for more at the end of the log, in milliseconds. Default 200; each look costs 0.5 RCU. */
  readonly pollIntervalMs?: number | undefined;
  /** How much of what was fetched is kept for other followers, in bytes, compressed as it is stored. Default 8 MiB. */
  readonly keptBytes?: number | undefined;
}

/** Of fetched pages, by default. */
export const DEFAULT_KEPT_BYTES: number = 8 * 1024 * 1024;

/** An event of the log that can't be given. */
export interface UnreadableEvent {
  readonly position: number;
  readonly streamId: string;
  readonly version: number;
  /** As it is stored; undefined when not even that can be read. */
  readonly type: string | undefined;
  /** What a read of it throws: UnknownEventTypeError, UpcastError, EncryptionMissingError, BlobsMissingError or IntegrityError. */
  readonly error: unknown;
}

/** What a reader gives at a time. */
export interface ReadBatch<Event extends RecordedEvent = RecordedEvent> extends LogBatch<Event> {
  /** Those of the events asked for that can't be given, in order. */
  readonly unreadable: readonly UnreadableEvent[];
  /** About how many characters of JSON the events take; blobs, and commits too large for a page, are not counted. */
  readonly characters: number;
  /** When the newest commit of what was read was written, in epoch milliseconds; undefined when nothing was read. */
  readonly t: number | undefined;
}

/** The log for many followers in one process. */
export interface LogReader<Definitions extends EventDefinitions = EventDefinitions> {
  /**
   * What comes after a position: the events of one page, or what is left of it. At the end of the log it answers at once, with no
   * events and `caughtUp: true`. An event that can't be given does not stand in the way of the others.
   *
   * Cost: none for what another follower has fetched a moment ago, otherwise as `readAll`.
   *
   * @throws IntegrityError when a page can't be read, and what the store's hooks throw; RangeError, TypeError for filters that can't be.
   */
  read(
    after: number,
    options?: LogFilter<Definitions> & { readonly signal?: AbortSignal | undefined },
  ): Promise<ReadBatch<RecordedEventOf<Definitions>>>;
  /**
   * Waits until there is something after a position. However many wait, the log is looked at once in an interval.
   *
   * @throws the signal's reason, and what a read throws; RangeError for what is no position.
   */
  waitBeyond(position: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

export interface WaitForOptions {
  /** Gives up after so many milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** How long to wait between looks, in milliseconds. Default 200; each look costs 0.5 RCU. */
  readonly pollIntervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How long a subscription waits by default before it looks for more, in milliseconds. */
export const DEFAULT_POLL_INTERVAL_MS = 200;

/** How long `waitFor` waits by default, in milliseconds. */
export const DEFAULT_WAIT_TIMEOUT_MS = 30_000;

/** The global log as a store reads it. */
export interface LogReads<Definitions extends EventDefinitions> {
  /**
   * Reads the global log: the events of all streams in the one order that every reader sees. It is there when a
   * sequencer runs: see `@tuppence/stream-adapter`. Leaving the loop stops fetching.
   *
   * Cost: 1 request for each MB, 0.5 RCU for each 4 KB of compressed pages; about 0.005 RCU an event when pages are full.
   *
   * @throws what `read` throws; RangeError for positions and limits that are none.
   */
  readAll(options?: ReadAllOptions<Definitions>): AsyncIterable<LoggedEvent<RecordedEventOf<Definitions>>>;

  /**
   * Follows the global log from a position on: first what is there, then what comes, in one loop that ends only with its
   * signal or by leaving it. Each batch says up to where everything was seen; keep that, and begin after it the
   * next time. Never skips: at a hole it waits.
   *
   * Cost: as `readAll`, and 0.5 RCU for each look at the end.
   *
   * @throws what `read` throws; the signal's reason is not thrown.
   */
  subscribeAll(
    options?: SubscribeAllOptions<Definitions>,
  ): AsyncIterable<LogBatch<RecordedEventOf<Definitions>>>;

  /**
   * The last position of the log; 0 while it is empty. Cost: 1 request, 1 RCU for each 4 KB of the last page, eventually
   * consistent half of that.
   */
  logEnd(options?: {
    /** `"strong"` (default) sees every page; `"eventual"` may be a moment behind. */
    readonly consistency?: Consistency | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<number>;

  /**
   * Opens the log for followers that go through it each at its own pace, as projections do: what one has fetched, the others get without a
   * request, and at its end one look serves all. Keep it for the life of the process.
   *
   * @throws RangeError for options that can't be.
   */
  openLogReader(options?: LogReaderOptions): LogReader<Definitions>;

  /**
   * Waits until an event is in the global log, and answers its position: at once when it is there already. The event may
   * still have to be appended.
   *
   * Cost: 2 requests, 1 RCU for each 4 KB of what they find, the log's pages back to the event's time, and 0.5 RCU for each look at the end.
   *
   * @throws WaitTimeoutError when it is not there in time, StreamTruncatedError when it is gone.
   */
  waitFor(streamId: string, version: number, options?: WaitForOptions): Promise<number>;
}
