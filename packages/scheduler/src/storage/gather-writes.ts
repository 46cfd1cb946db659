import type { Runtime } from "@tuppence/core";
import { allowManyWaiters, type ControlUpdate, UncertainWriteError } from "@tuppence/core/leases";
import pLimit from "p-limit";
import { deadlinesOf } from "../firing/deadlines.ts";
import type { ChangeOutcome, ScheduleItems, ScheduleStorage } from "./schedule-storage.ts";
import type { WriteSpeed } from "./write-speed.ts";

/** Items of one request. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
const MAX_BATCH = 25;
/** A request holds more than this only if it has one item. */
const MAX_BATCH_BYTES = 1_000_000;
/** Requests at a time: of any size, and of full ones. */
const MAX_REQUESTS = 4;
const MAX_FULL_REQUESTS = 8;
/** Transactions at a time: as many connections as the SDK has to begin with, less some. */
const MAX_TRANSACTIONS = 40;
/** After so long a request is given up: what became of its writes is not known then, in milliseconds. */
const TIMEOUT_MS = 10_000;

interface Waiting {
  readonly update: ControlUpdate;
  readonly key: string;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  readonly settle: (result: PromiseSettledResult<ChangeOutcome>) => void;
  /** Nobody waits for it any more. */
  isSettled: boolean;
}

/**
 * Group commit: what is to be written in the same turn, or while requests are under way, goes into one request, in the order in which it was asked
 * for, with at most one write of an item; one alone goes as it is. Each of them has a condition and an outcome of its own: nothing is known of one by what
 * became of another.
 */
export function gatherWrites(
  storage: ScheduleStorage,
  { runtime, speed }: { readonly runtime: Runtime; readonly speed: WriteSpeed },
): ScheduleItems {
  const gathered = new GatheredWrites(storage, runtime, speed);
  const limit = pLimit(MAX_TRANSACTIONS);
  const { updateMany: _, ...items } = storage;
  return {
    ...items,
    update: (update, signal) => gathered.add(update, signal),
    transact: (changes, also, signal) =>
      limit(() => speed.measure(1, () => storage.transact(changes, also, signal))),
  };
}

class GatheredWrites {
  readonly #storage: ScheduleStorage;
  readonly #runtime: Runtime;
  readonly #speed: WriteSpeed;
  #waiting: Waiting[] = [];
  #requests = 0;
  #isTurnEnding = false;

  constructor(storage: ScheduleStorage, runtime: Runtime, speed: WriteSpeed) {
    this.#storage = storage;
    this.#runtime = runtime;
    this.#speed = speed;
  }

  /** Rejects with the signal's reason as soon as it is aborted; what was sent by then may be made. */
  add(update: ControlUpdate, signal: AbortSignal | undefined): Promise<ChangeOutcome> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => waiting.settle({ status: "rejected", reason: signal?.reason });
      const waiting: Waiting = {
        update,
        key: `${update.key.partition} ${update.key.sort}`,
        bytes: bytesOf(update),
        signal,
        settle: (result) => {
          waiting.isSettled = true;
          signal?.removeEventListener("abort", giveUp);
          if (result.status === "fulfilled") resolve(result.value);
          else reject(result.reason);
        },
        isSettled: false,
      };
      if (signal?.aborted) return giveUp();
      if (signal !== undefined) allowManyWaiters(signal).addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(waiting);
      this.#sendSoon();
    });
  }

  /** When all that goes on by itself in this turn has come to a stop. */
  #sendSoon(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    // What a microtask puts behind itself by `nextTick` comes after all other microtasks.
    queueMicrotask(() => process.nextTick(() => this.#sendAll()));
  }

  #sendAll(): void {
    this.#isTurnEnding = false;
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    while (this.#waiting.length > 0) {
      const isFull = this.#waiting.length >= MAX_BATCH;
      if (this.#requests >= (isFull ? MAX_FULL_REQUESTS : MAX_REQUESTS)) return;
      void this.#send(this.#takeBatch());
    }
  }

  #takeBatch(): readonly Waiting[] {
    const batch = new Map<string, Waiting>();
    const left: Waiting[] = [];
    let bytes = 0;
    for (const waiting of this.#waiting) {
      const hasRoom = batch.size < MAX_BATCH && bytes + waiting.bytes <= MAX_BATCH_BYTES;
      if (batch.size > 0 && (!hasRoom || batch.has(waiting.key))) {
        left.push(waiting);
        continue;
      }
      batch.set(waiting.key, waiting);
      bytes += waiting.bytes;
    }
    this.#waiting = left;
    return [...batch.values()];
  }

  /** Never fails: whoever waits is told. */
  async #send(batch: readonly Waiting[]): Promise<void> {
    this.#requests++;
    let isOpen = true;
    const end = (resultOf: (index: number) => PromiseSettledResult<ChangeOutcome>): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#requests--;
      for (const [index, waiting] of batch.entries()) if (!waiting.isSettled) waiting.settle(resultOf(index));
      this.#sendSoon();
    };
    const inTime = deadlinesOf(this.#runtime).set(TIMEOUT_MS, () => end(() => noReply()));
    try {
      const results = await this.#speed.measure(batch.length, () => this.#write(batch));
      end((index) => results[index] ?? noReply());
    } catch (reason) {
      end(() => ({ status: "rejected", reason }));
    } finally {
      inTime();
    }
  }

  async #write(batch: readonly Waiting[]): Promise<readonly PromiseSettledResult<ChangeOutcome>[]> {
    const [first] = batch;
    if (first === undefined || batch.length > 1) {
      return this.#storage.updateMany(batch.map(({ update }) => update));
    }
    return Promise.allSettled([this.#storage.update(first.update, first.signal)]);
  }
}

function noReply(): PromiseRejectedResult {
  const cause = new Error(`There was no reply within ${TIMEOUT_MS} ms.`);
  return { status: "rejected", reason: new UncertainWriteError({ mayBeWritten: true, cause }) };
}

/** Nearly: what counts are payloads. */
function bytesOf({ set }: ControlUpdate): number {
  let bytes = 0;
  for (const value of Object.values(set)) {
    bytes += typeof value === "string" ? Buffer.byteLength(value) : 8;
  }
  return bytes;
}
