import {
  classifyFailure,
  describeFailure,
  isWorkEnd,
  retryPauseMs,
  tryUntilDone,
  WorkEndedError,
} from "@tuppence/core/failures";
import type { Message } from "../message.ts";
import { callHandler } from "./call-handler.ts";
import type { GroupEvent } from "./group-event.ts";
import { attemptsOf, type LaneContext } from "./lane-context.ts";
import {
  askFor,
  giveUp,
  keyOfParked,
  type LaneState,
  nextRedriven,
  parkedCount,
  unpark,
} from "./lane-state.ts";
import type { ParkedDetails } from "./parked-details.ts";

/** Parked messages that are handled in one go, before the lane goes on with the queue. */
const MAX_AT_ONCE = 20;

/** How often a parked message was tried since it was asked for, and when it is tried again. */
interface Tries {
  readonly attempts: number;
  readonly counted: number;
  readonly notBefore: number;
}

const NO_TRIES: Tries = { attempts: 0, counted: 0, notBefore: Number.NEGATIVE_INFINITY };

/** Handles what is parked in a lane and somebody asked for, in the order of each key, in between what the lane does besides. */
export class LaneRedrive {
  readonly #context: LaneContext;
  readonly #emit: (event: GroupEvent) => void;
  readonly #tries = new Map<number, Tries>();
  /** The number of requests of the group that are taken in. */
  #requests: number | undefined;

  constructor(context: LaneContext) {
    this.#context = context;
    this.#emit = context.settings.emit;
  }

  /** Takes in what was asked for up to a number of requests, and handles some of it. */
  async step(requests: number): Promise<void> {
    const { cursor } = this.#context;
    if (parkedCount(cursor.state) > 0 && this.#requests !== requests) await this.#takeIn();
    this.#requests = requests;
    for (const position of nextRedriven(cursor.state)
      .filter((each) => this.#isDue(each))
      .slice(0, MAX_AT_ONCE)) {
      if (this.#context.ending.aborted) throw new WorkEndedError();
      await this.#handle(position);
    }
  }

  /** In how many ms there is something to be handled; undefined when nothing is asked for. */
  get dueInMs(): number | undefined {
    const now = this.#context.settings.runtime.monotonic();
    const times = nextRedriven(this.#context.cursor.state).map(
      (position) => this.#triesOf(position).notBefore,
    );
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - now);
  }

  /** What is asked for becomes a part of the lane's state: from then on it is done, whoever has the lane. */
  async #takeIn(): Promise<void> {
    const { cursor, details, lease, ref } = this.#context;
    const all = await this.#trying(() => details.list(lease.lost));
    const asked = all.filter(
      (each) => each.asked !== undefined && keyOfParked(cursor.state, each.position) !== undefined,
    );
    let state = cursor.state;
    for (const each of asked)
      state = each.asked?.what === "skip" ? skip(state, each.position) : askFor(state, each.position);
    if (state !== cursor.state) await cursor.move(state);
    for (const each of asked) {
      if (keyOfParked(state, each.position) === undefined) {
        this.#emit({ type: "redriven", ...ref, position: each.position, skipped: true });
        await this.#trying(() => details.remove(each.position, lease.lost));
      } else await this.#forgetRequest(each);
    }
  }

  #forgetRequest({ position, asked }: ParkedDetails): Promise<void> {
    const { details, lease } = this.#context;
    return this.#trying(async () => asked && details.taken(position, asked.request, lease.lost));
  }

  async #handle(position: number): Promise<void> {
    const { cursor, details, lease, ref } = this.#context;
    const message = await this.#trying(() => this.#read(position));
    const stateAt = (): LaneState => unpark(cursor.state, position);
    const tries = this.#triesOf(position);
    try {
      await callHandler(this.#context, { messages: [message], upTo: position, stateAt }, tries.attempts + 1);
      // In a transaction it moved already.
      await cursor.store();
    } catch (error) {
      if (isWorkEnd(error)) throw error;
      if (this.#context.ending.aborted) throw new WorkEndedError(undefined, { cause: error });
      return this.#failed(message, error);
    }
    this.#tries.delete(position);
    await this.#trying(() => details.remove(position, lease.lost));
    this.#emit({ type: "redriven", ...ref, position, skipped: false });
  }

  /** Tries again later, or leaves it parked, with those behind it. */
  async #failed(message: Message, error: unknown): Promise<void> {
    const { cursor, details, lease, ref, onRetry, settings } = this.#context;
    const { runtime, backoff, maxAttempts } = settings;
    const { position } = message;
    const before = this.#triesOf(position);
    const failure = classifyFailure(error);
    const attempts = before.attempts + 1;
    const counted = before.counted + (failure.kind === "transient" ? 0 : 1);
    if (failure.kind !== "final" && counted < maxAttempts) {
      const pauseMs = retryPauseMs(failure, attempts, { backoff, random: runtime.random });
      this.#tries.set(position, { attempts, counted, notBefore: runtime.monotonic() + pauseMs });
      return onRetry({ error, attempt: attempts, pauseMs });
    }
    this.#tries.delete(position);
    const told = { at: new Date(runtime.now()), error: describeFailure(error), attempts };
    await this.#trying(() => details.failed(message, told, lease.lost));
    await cursor.move(giveUp(cursor.state, position));
    this.#emit({ type: "redriveFailed", ...ref, position, error });
  }

  async #read(position: number): Promise<Message> {
    const { queue, lease } = this.#context;
    for await (const [message] of queue.reader.read(position, { to: position, signal: lease.lost })) {
      if (message) return message;
    }
    throw new Error(`Message ${position} is not there.`);
  }

  #isDue(position: number): boolean {
    return this.#triesOf(position).notBefore <= this.#context.settings.runtime.monotonic();
  }

  #triesOf(position: number): Tries {
    return this.#tries.get(position) ?? NO_TRIES;
  }

  #trying<Result>(call: () => Promise<Result>): Promise<Result> {
    return tryUntilDone(attemptsOf(this.#context, 3), call);
  }
}

/** Leaves a parked message out for good, and goes on with those behind it. */
function skip(state: LaneState, position: number): LaneState {
  const key = keyOfParked(state, position);
  const after = unpark(state, position);
  const next = key === undefined || key === "" ? undefined : after.parked.get(key)?.[0];
  return next === undefined ? after : askFor(after, next);
}
