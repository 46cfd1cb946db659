import { LinkedAbort, pause } from "@tuppence/core";
import {
  describeFailure,
  GivenUpError,
  isWorkEnd,
  tryUntilDone,
  WorkEndedError,
} from "@tuppence/core/failures";
import { handleMessages } from "./handle-messages.ts";
import { attemptsOf, type FailedMessage, type LaneContext } from "./lane-context.ts";
import { advance, type LaneState, parkedCount, seal, SINGLE } from "./lane-state.ts";
import { shortKey } from "./lane-of.ts";
import { LaneWindow } from "./lane-window.ts";
import { MAX_BEHIND_AT_ONCE, nextPart, type Part } from "./next-part.ts";
import { LaneRedrive } from "./redrive.ts";

const BLOCK_BACKOFF = { minMs: 1_000, maxMs: 60_000 };

/** What is not transient is given up after so many attempts; the lane is then let go, and taken again later. */
const MAX_READ_ATTEMPTS = 3;

/** Goes through the queue for one lane, from its cursor on, until the lane is let go or lost. */
export class LaneRunner {
  readonly #context: LaneContext;
  readonly #window: LaneWindow;
  readonly #redrive: LaneRedrive;
  /** How often it was asked to handle what is parked, as far as is known. */
  readonly #requests: () => number;
  #waking = new AbortController();
  #isAtEnd = false;
  /** How often the lane has come to stand still at the same message. */
  #blocks = 0;

  constructor(context: LaneContext, requests: () => number) {
    const { feed, ref, lanes, cursor } = context;
    this.#context = context;
    this.#requests = requests;
    this.#redrive = new LaneRedrive(context);
    this.#window = new LaneWindow(feed, { lane: ref.lane, lanes, after: cursor.state.done });
  }

  /** There is something to look at. */
  wake(): void {
    this.#waking.abort();
  }

  async run(): Promise<void> {
    const { cursor, ending, lease, ref, settings } = this.#context;
    settings.emit({ type: "laneStarted", ...ref, position: cursor.state.done });
    try {
      while (!ending.aborted) await this.#step();
    } catch (error) {
      if (!isWorkEnd(error) && !ending.aborted) throw error instanceof GivenUpError ? error.cause : error;
    } finally {
      try {
        if (!lease.lost.aborted) await cursor.store();
      } finally {
        settings.emit({ type: "laneStopped", ...ref, position: cursor.state.done });
      }
    }
  }

  /** Ends the lane for good, where it is: others take over. */
  async seal(): Promise<void> {
    const { cursor } = this.#context;
    await cursor.move(seal(cursor.state));
  }

  async #step(): Promise<void> {
    const { cursor, ending, settings } = this.#context;
    this.#waking = new AbortController();
    await this.#redrive.step(this.#requests());
    const found = await this.#retrying(() => this.#window.fill(ending));
    // One at a time, until the one that blocks the lane is over.
    const most = this.#blocks > 0 ? 1 : settings.partSize;
    const ahead = this.#window.ahead(most + MAX_BEHIND_AT_ONCE + 1);
    const isAll = ahead.length <= most + MAX_BEHIND_AT_ONCE;
    const part = nextPart(cursor.state, ahead, {
      most,
      maxParked: settings.maxParked,
      readTo: isAll ? this.#window.readTo : undefined,
      parksBehind: this.#context.guards.parksBehind,
    });
    if (part.upTo > cursor.state.done) await this.#process(part);
    else if (part.noRoom) await this.#block(part.noRoom.position, this.#noRoom());
    else if (found === "end") await this.#rest();
  }

  async #process(part: Part): Promise<void> {
    const { cursor, guards, settings } = this.#context;
    const { runtime, maxAttempts, passedStoreMs } = settings;
    const startedAt = runtime.monotonic();
    const from = cursor.state;
    const stateAt = (position: number): LaneState =>
      advance(
        from,
        position,
        part.behind.filter((behind) => behind.position <= position),
      );
    if (!guards.movesLast) await cursor.move(stateAt(part.upTo));
    const failed = await handleMessages(
      this.#context,
      { messages: part.messages, upTo: part.upTo, stateAt },
      this.#blocks > 0 ? 1 : maxAttempts,
    );
    // Those behind others of their keys that come before the one that failed are parked with it, or before.
    if (failed) cursor.reached(stateAt(failed.message.position - 1));
    const isPassedOnly = part.messages.length === 0 && part.behind.length === 0;
    if (!isPassedOnly || cursor.staleMs >= passedStoreMs) await cursor.store();
    this.#told(part, startedAt);
    if (failed === undefined) await this.#goesOn();
    else await this.#settle(failed);
    this.#window.pass(cursor.state.done);
  }

  /** Parks, skips or blocks, as the policy says. */
  async #settle({ message, error, attempts }: FailedMessage): Promise<void> {
    const { cursor, details, lease, ref, settings } = this.#context;
    const { onFailure, maxParked, runtime, emit } = settings;
    const { position, key } = message;
    if (onFailure === "block") return this.#block(position, error);
    if (onFailure === "skip") {
      await cursor.move(advance(cursor.state, position));
      await this.#goesOn();
      return emit({ type: "skipped", ...ref, position, error });
    }
    if (parkedCount(cursor.state) >= maxParked) return this.#block(position, this.#noRoom(error));
    const told = { at: new Date(runtime.now()), error: describeFailure(error), attempts };
    await this.#retrying(() => details.failed(message, told, lease.lost));
    const short = onFailure === "parkKey" && key !== undefined ? shortKey(key) : SINGLE;
    await cursor.move(advance(cursor.state, position, [{ position, key: short }]));
    await this.#goesOn();
    emit({ type: "parked", ...ref, position, error, attempts });
  }

  async #goesOn(): Promise<void> {
    this.#blocks = 0;
    const { failing, lease } = this.#context;
    await this.#retrying(() => failing.over(lease.lost));
  }

  #noRoom(cause?: unknown): Error {
    const { maxParked } = this.#context.settings;
    return new Error(`${maxParked} messages are parked in the lane; no more may be.`, { cause });
  }

  async #block(position: number, error: unknown): Promise<void> {
    const { ref, settings } = this.#context;
    const pauseMs = Math.min(BLOCK_BACKOFF.minMs * 2 ** Math.min(this.#blocks++, 20), BLOCK_BACKOFF.maxMs);
    settings.emit({ type: "blocked", ...ref, position, error, pauseMs });
    await this.#retrying(() => this.#context.failing.blocked(position, { error, blocks: this.#blocks }));
    await this.#pause(pauseMs);
  }

  /** At the queue's end: stores the cursor when it is time, and waits for more. */
  async #rest(): Promise<void> {
    const { cursor, ref, settings, feed, ending } = this.#context;
    if (!this.#isAtEnd) {
      this.#isAtEnd = true;
      settings.emit({ type: "caughtUp", ...ref, position: cursor.state.done });
    }
    if (cursor.staleMs >= settings.passedStoreMs) await cursor.store();
    const waits = [
      cursor.isStored ? undefined : settings.passedStoreMs - cursor.staleMs,
      this.#redrive.dueInMs,
    ].filter((ms) => ms !== undefined);
    await this.#waiting(waits, (signal) =>
      this.#retrying(() => feed.wait(this.#window.readTo, settings.polling, signal)),
    );
    if (ending.aborted) throw new WorkEndedError();
  }

  /** Waits for so long, or until what is asked for of the parked ones is due, or the lane is woken or ends. */
  async #pause(ms: number): Promise<void> {
    const { runtime } = this.#context.settings;
    const dueInMs = this.#redrive.dueInMs ?? ms;
    await this.#waiting([], (signal) => pause(runtime, Math.min(ms, dueInMs), signal));
  }

  async #waiting(waitsMs: readonly number[], wait: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const { ending, settings } = this.#context;
    using over = new LinkedAbort(ending, this.#waking.signal);
    const end = (): void => over.abort("over");
    const shortest = waitsMs.length === 0 ? undefined : Math.min(...waitsMs);
    const timer =
      shortest === undefined ? undefined : pause(settings.runtime, shortest, over.signal).then(end);
    try {
      await wait(over.signal);
    } finally {
      end();
      await timer;
    }
  }

  #told(part: Part, startedAt: number): void {
    const { cursor, ref, settings } = this.#context;
    const { runtime, emit } = settings;
    const { done } = cursor.state;
    for (const { position } of part.behind) {
      if (position <= done) emit({ type: "parked", ...ref, position, error: undefined, attempts: 0 });
    }
    const handled = part.messages.filter(({ position }) => position <= done);
    const newest = handled.at(-1);
    if (newest === undefined) return;
    this.#isAtEnd = false;
    emit({
      type: "handled",
      ...ref,
      messages: handled.length,
      position: done,
      durationMs: runtime.monotonic() - startedAt,
      lagMs: Math.max(0, runtime.now() - newest.enqueuedAt.getTime()),
    });
  }

  #retrying<Result>(read: () => Promise<Result>): Promise<Result> {
    return tryUntilDone(attemptsOf(this.#context, MAX_READ_ATTEMPTS), read);
  }
}
