import type { Runtime } from "@tuppence/core";
import { deadlinesOf } from "../firing/deadlines.ts";
import { onAbort } from "../firing/on-abort.ts";

/** How items are asked for, or changed, many at a time. */
export interface Gathering<Asked, Result> {
  /** Items of one request. */
  readonly maxItems: number;
  readonly sendOne: (asked: Asked, signal: AbortSignal | undefined) => Promise<Result>;
  readonly sendMany: (asked: readonly Asked[]) => Promise<readonly PromiseSettledResult<Result>[]>;
  /** What no two of in one request have in common. */
  readonly keyOf: (asked: Asked) => string;
  readonly bytesOf: (asked: Asked) => number;
}

/** A request holds more than this only if it has one item. */
const MAX_BYTES = 1_000_000;
/** Requests at a time: of any size, and of full ones. */
const MAX_REQUESTS = 4;
const MAX_FULL_REQUESTS = 8;
/** A request that takes longer does not keep others from being sent any more, in milliseconds. */
const SLOW_MS = 5_000;

interface Waiting<Asked, Result> {
  readonly asked: Asked;
  readonly key: string;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  readonly settle: (result: PromiseSettledResult<Result>) => void;
  /** Nobody waits for it any more. */
  isSettled: boolean;
}

/**
 * Sends together what is asked for in the same turn, or while requests are under way, in that order, with no item twice in a request; one alone goes as it is.
 * Each has an outcome of its own: nothing is known of one by what became of another.
 */
export class GatheredRequests<Asked, Result> {
  readonly #gathering: Gathering<Asked, Result>;
  readonly #runtime: Runtime;
  #waiting: Waiting<Asked, Result>[] = [];
  readonly #underWay = new Set<{ readonly sinceMs: number }>();
  /** Ends the wait for a request that takes too long, while others wait for it. */
  #endWatch: (() => void) | undefined;
  #isTurnEnding = false;

  constructor(runtime: Runtime, gathering: Gathering<Asked, Result>) {
    this.#runtime = runtime;
    this.#gathering = gathering;
  }

  /** Rejects with the signal's reason as soon as it is aborted; what was sent by then may be done. */
  add(asked: Asked, signal: AbortSignal | undefined): Promise<Result> {
    const { keyOf, bytesOf } = this.#gathering;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const giveUp = (): void => waiting.settle({ status: "rejected", reason: signal?.reason });
      const waiting: Waiting<Asked, Result> = {
        asked,
        key: keyOf(asked),
        bytes: bytesOf(asked),
        signal,
        settle: (result) => {
          waiting.isSettled = true;
          unlink?.();
          if (result.status === "fulfilled") resolve(result.value);
          else reject(result.reason);
        },
        isSettled: false,
      };
      const unlink = signal && onAbort(signal, giveUp);
      this.#waiting.push(waiting);
      this.#sendSoon();
    });
  }

  /** When all that goes on by itself in this turn has come to a stop. */
  #sendSoon(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    // What a microtask puts off by `nextTick` comes after all other microtasks.
    queueMicrotask(() => process.nextTick(() => this.#sendAll()));
  }

  #sendAll(): void {
    this.#isTurnEnding = false;
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    while (this.#waiting.length > 0) {
      if (!this.#hasRoom()) return this.#watch();
      void this.#send(this.#takeBatch());
    }
    this.#endWatch?.();
    this.#endWatch = undefined;
  }

  #hasRoom(): boolean {
    const isFull = this.#waiting.length >= this.#gathering.maxItems;
    const slowMs = this.#runtime.monotonic() - SLOW_MS;
    let counted = 0;
    for (const { sinceMs } of this.#underWay) if (sinceMs > slowMs) counted++;
    return counted < (isFull ? MAX_FULL_REQUESTS : MAX_REQUESTS);
  }

  #watch(): void {
    this.#endWatch ??= deadlinesOf(this.#runtime).set(SLOW_MS, () => {
      this.#endWatch = undefined;
      this.#sendAll();
    });
  }

  #takeBatch(): readonly Waiting<Asked, Result>[] {
    const { maxItems } = this.#gathering;
    const batch = new Map<string, Waiting<Asked, Result>>();
    const left: Waiting<Asked, Result>[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiting of this.#waiting) {
      if (batch.size === maxItems) break;
      taken++;
      const fits = batch.size === 0 || (bytes + waiting.bytes <= MAX_BYTES && !batch.has(waiting.key));
      if (fits) {
        batch.set(waiting.key, waiting);
        bytes += waiting.bytes;
      } else left.push(waiting);
    }
    this.#waiting = [...left, ...this.#waiting.slice(taken)];
    return [...batch.values()];
  }

  /** Never fails: whoever waits is told. */
  async #send(batch: readonly Waiting<Asked, Result>[]): Promise<void> {
    const request = { sinceMs: this.#runtime.monotonic() };
    this.#underWay.add(request);
    const results = await this.#settled(batch);
    this.#underWay.delete(request);
    for (const [index, waiting] of batch.entries()) {
      const result = results[index];
      if (!waiting.isSettled && result !== undefined) waiting.settle(result);
    }
    if (this.#waiting.length > 0) this.#sendSoon();
  }

  async #settled(batch: readonly Waiting<Asked, Result>[]): Promise<readonly PromiseSettledResult<Result>[]> {
    const { sendOne, sendMany } = this.#gathering;
    const [first] = batch;
    try {
      if (first === undefined || batch.length > 1) return await sendMany(batch.map(({ asked }) => asked));
      return [{ status: "fulfilled", value: await sendOne(first.asked, first.signal) }];
    } catch (reason) {
      return batch.map(() => ({ status: "rejected", reason }));
    }
  }
}
