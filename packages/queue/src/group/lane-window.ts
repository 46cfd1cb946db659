import type { Message } from "../message.ts";
import { laneOf } from "./lane-of.ts";
import type { QueueFeed } from "./queue-feed.ts";

/** Messages of a lane that are read ahead of those that are handled: below this number, more are fetched. */
const READ_AHEAD = 200;

/** Positions of other lanes that are passed over before the lane looks up from reading. */
const MAX_PASSED = 50_000;

/** A queue as one lane goes through it: its own messages, some of them read ahead. */
export class LaneWindow {
  readonly #feed: QueueFeed;
  readonly #lane: number;
  readonly #lanes: number;
  #ahead: readonly Message[] = [];
  /** The first of `#ahead` that is not dealt with. */
  #next = 0;
  /** Everything up to here was read. */
  #readTo: number;
  #reading: Promise<void> | undefined;
  #isAtEnd = false;

  constructor(
    feed: QueueFeed,
    place: { readonly lane: number; readonly lanes: number; readonly after: number },
  ) {
    this.#feed = feed;
    this.#lane = place.lane;
    this.#lanes = place.lanes;
    this.#readTo = place.after;
  }

  /** So many of what comes next, in order, as far as it was read. */
  ahead(count: number): readonly Message[] {
    return this.#ahead.slice(this.#next, this.#next + count);
  }

  /** What is not among those ahead up to here is no message of the lane. */
  get readTo(): number {
    return this.#readTo;
  }

  /** Reads until there is a message, the queue ends, or many of other lanes were passed over. */
  async fill(signal: AbortSignal): Promise<"found" | "passed" | "end"> {
    const from = this.#readTo;
    for (;;) {
      const count = this.#ahead.length - this.#next;
      if (count < READ_AHEAD && !this.#isAtEnd) this.#readOn();
      if (count > 0) return "found";
      if (this.#reading === undefined) {
        // It was the end when it was looked at; the next time it may be no more.
        this.#isAtEnd = false;
        return "end";
      }
      await this.#reading;
      signal.throwIfAborted();
      if (this.#ahead.length === this.#next && this.#readTo - from > MAX_PASSED) return "passed";
    }
  }

  /** Everything up to a position is dealt with. */
  pass(position: number): void {
    while ((this.#ahead[this.#next]?.position ?? Number.POSITIVE_INFINITY) <= position) this.#next++;
    if (this.#next < READ_AHEAD && this.#next < this.#ahead.length) return;
    this.#ahead = this.#ahead.slice(this.#next);
    this.#next = 0;
  }

  #readOn(): void {
    if (this.#reading !== undefined) return;
    this.#reading = this.#readPage().finally(() => (this.#reading = undefined));
    // Until it is awaited, a failure must not count as unhandled.
    this.#reading.catch(() => undefined);
  }

  async #readPage(): Promise<void> {
    const { messages, position } = await this.#feed.read(this.#readTo);
    this.#isAtEnd = position === this.#readTo;
    const own =
      this.#lanes === 1
        ? messages
        : messages.filter((message) => laneOf(message, this.#lanes) === this.#lane);
    if (own.length > 0) this.#ahead = [...this.#ahead, ...own];
    this.#readTo = position;
  }
}
