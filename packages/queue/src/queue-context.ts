import type { Consistency, Runtime } from "@tuppence/core";
import type { ChainStorage } from "@tuppence/core/chains";
import type { ControlStorage } from "@tuppence/core/leases";
import type { Message } from "./message.ts";

/** What all parts of a queue work with. */
export interface QueueContext {
  readonly name: string;
  /** Its chain in `storage`. */
  readonly chain: string;
  readonly storage: ChainStorage;
  readonly control: ControlStorage;
  readonly runtime: Runtime;
  readonly reader: QueueReader;
  /** Looks once whether this Region may work on the queue (see `homeRegion`). Whoever writes anything waits for it. @throws QueueRegionError */
  readonly checkRegion: () => Promise<void>;
  /** Looks likewise, and makes the queue known: for those with whom it begins. @throws QueueRegionError */
  readonly open: () => Promise<void>;
  /** Calls back after each enqueue of this process, so that consumers beside it need not wait for their next look. */
  readonly onEnqueued: (listener: () => void) => { readonly remove: () => void };
}

/** How far to read, and how. */
export interface QueueReadOptions {
  /** The last position to read. Default: as far as there are messages now. */
  readonly to?: number | undefined;
  /** Default strong: sees every acknowledged enqueue. Eventual costs half, and may be a little behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A queue as those who consume it see it. */
export interface QueueReader {
  /**
   * Messages from a position on, in order and without a gap, as many at a time as are at hand.
   *
   * @throws QueueTrimmedError when messages from there on were trimmed.
   */
  readonly read: (from: number, options?: QueueReadOptions) => AsyncIterable<readonly Message[]>;
  /** The last position, 0 for none, and when it was enqueued: 1 request, strongly consistent. */
  readonly tail: (signal?: AbortSignal) => Promise<QueueTail>;
  /** The first position that was enqueued at a time or later; the one after the last if there is none. About log2(n) requests. */
  readonly positionAt: (time: Date, signal?: AbortSignal) => Promise<number>;
  /** The first position that has not been trimmed: 1 request. */
  readonly firstPosition: (signal?: AbortSignal) => Promise<number>;
}

export interface QueueTail {
  readonly position: number;
  readonly enqueuedAt: Date | undefined;
}
