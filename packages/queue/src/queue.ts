import type { Capacity } from "@tuppence/core/chains";
import type { QueueGroups } from "./group/queue-groups.ts";
import type { Message, NewMessage } from "./message.ts";
import type { QueueReadOptions, QueueTail } from "./queue-context.ts";
import type { TrimOptions, TrimResult } from "./trim-queue.ts";

/** How long a messageId is looked back for when nothing else is said, in milliseconds: 15 minutes. */
export const DEFAULT_DEDUP_WINDOW_MS = 900_000;

/** How many messages of a process may wait to be written, when nothing else is said. */
export const DEFAULT_MAX_WAITING = 10_000;

/** How many messages `peek` shows when nothing else is said. */
export const DEFAULT_PEEKED = 10;

export interface EnqueueOptions {
  /**
   * Of a queue with a `producer`: which of the producer's messages the first one is, from 1. One that was enqueued before is not
   * enqueued again, however long ago that was; ids of the messages are not looked for. Default: the next.
   */
  readonly sequence?: number | undefined;
  /** Takes a call back as long as it waits; once it is being written, it stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface EnqueueResult {
  /**
   * Where each message is, in the order given. A duplicate is where it was enqueued the first time; 0 if only its producer's
   * sequence is known any more.
   */
  readonly positions: readonly number[];
  /** Which of the messages were enqueued before or are twice in the call, by their order, from 0. */
  readonly duplicates: readonly number[];
  /** What it consumed; of calls that went into one item, it is all counted at the first of them. */
  readonly capacity: Capacity;
}

export interface ProducerState {
  /** Of the producer's last message in the queue; 0: there is none. */
  readonly sequence: number;
  /** Where that is; 0: there is none. */
  readonly position: number;
}

export interface PeekOptions extends Pick<QueueReadOptions, "consistency" | "signal"> {
  /** Default: the first that has not been trimmed. */
  readonly from?: number | undefined;
  /** At most so many. Default 10. */
  readonly limit?: number | undefined;
}

/** How often the end of a queue is looked at that is followed, in milliseconds, when nothing else is said. */
export const DEFAULT_FOLLOW_INTERVAL_MS = 500;

export interface FollowOptions {
  /** Default: behind the last message that there is now. */
  readonly from?: number | undefined;
  /** How often the end is looked at, in milliseconds. Default 500. */
  readonly pollIntervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A queue whose messages have one order, the same for every consumer, with positions 1, 2, 3 … without a gap.
 */
export interface Queue<Body = unknown, NewBody = Body> extends QueueGroups<Body>, AsyncDisposable {
  readonly name: string;

  /**
   * Enqueues messages behind all that are there, in the order given: all of them or none. When it resolves they are stored for
   * good, and whatever is enqueued after that, from anywhere, comes behind them. Calls of one process that wait for each other go
   * into one item, in their order.
   *
   * After an `OutcomeUnknownError` the messages may have been stored, or may be any moment: call it again. With ids of
   * the messages, or with a producer's `sequence`, nothing is enqueued twice then; without, it may be.
   *
   * Cost: 1 request, 1 WCU for each KB of the item, compressed: at 300 bytes a message 1 for a single one, about 0.1 a message in
   * calls of 100. The first call of a process adds 2 requests to see the table's Regions, and 2 RCU; with ids it reads
   * back the window (`dedupWindowMs`, and ten minutes for clocks that differ).
   *
   * @throws InvalidMessageError, MessageTooLargeError before anything is sent; QueueFullError when too many wait.
   * @throws ProducerSequenceError when messages of the producer are missing before these.
   * @throws QueueTrimmedError when what an id has to be looked for in was trimmed (`since`).
   * @throws QueueRegionError when the queue may not be written to from here.
   * @throws OutcomeUnknownError when the connection stayed broken; throttling passes through.
   */
  enqueue(
    messages: NewMessage<NewBody> | readonly NewMessage<NewBody>[],
    options?: EnqueueOptions,
  ): Promise<EnqueueResult>;

  /**
   * How far the queue's producer is, as of now: what a process that begins again goes on from. 1 request, and the first time what
   * was enqueued since the producer was heard of last (at most 10 seconds or 1,000 of its messages before its last).
   *
   * @throws TypeError when the queue was created without one.
   */
  producerState(): Promise<ProducerState>;

  /**
   * Reads messages from a position on, in order and without a gap, to the end that there is now. Leaving the loop ends it.
   *
   * Cost: 1 RCU for each 4 KB stored, half of that when eventually consistent.
   *
   * @throws QueueTrimmedError when messages from there on were trimmed.
   */
  read(from: number, options?: QueueReadOptions): AsyncIterable<Message<Body>>;

  /** A few messages, from the first that there is, without consuming them. 1 request more than to read them. */
  peek(options?: PeekOptions): Promise<readonly Message<Body>[]>;

  /** The last position, 0 for none, and when it was enqueued: 1 request, strongly consistent. */
  tail(options?: { readonly signal?: AbortSignal | undefined }): Promise<QueueTail>;

  /**
   * The first position that was enqueued at a time or later and has not been trimmed; the one after the last if there is none.
   * About log2(n) requests for n items.
   */
  positionAt(time: Date, options?: { readonly signal?: AbortSignal | undefined }): Promise<number>;

  /** The first position that has not been trimmed: 1 request. */
  firstPosition(options?: { readonly signal?: AbortSignal | undefined }): Promise<number>;

  /**
   * Follows the queue: reads to its end, waits, and reads on, until the signal is aborted or the loop is left. It consumes nothing.
   *
   * Cost: as `read`; 0.5 RCU for each look while nothing comes.
   *
   * @throws QueueTrimmedError when messages from there on were trimmed.
   */
  follow(options?: FollowOptions): AsyncIterable<Message<Body>>;

  /**
   * Lets go of messages that nobody needs any more: all before the lowest position that a consumer group has not done or has
   * parked, but none that `before` or `olderThan` keep, that were enqueued within the window of ids and twenty minutes, or
   * are in the queue's last item. What is left of them is about 100 bytes for each item. When it is interrupted, the next one goes on.
   *
   * Whoever enqueues a message with a `since` before that is refused with `QueueTrimmedError`, and so is a group that is begun there.
   *
   * Cost: 2 RCU and what positions by time take, then 1 RCU for each 4 KB and 1 WCU for each KB that is let go.
   *
   * @throws QueueRegionError when the queue may not be written to from here.
   */
  trim(options?: TrimOptions): Promise<TrimResult>;

  /** Creates the tables that are missing; safe to call always. In production, create them as infrastructure. */
  ensureTables(): Promise<void>;

  /**
   * Waits for what is being written, and says where the producer is, for its next start to find: 1 RCU and 1 WCU where there is one.
   * Without it nothing is lost; the next start reads more.
   */
  close(): Promise<void>;
}
