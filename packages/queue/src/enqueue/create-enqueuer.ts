import type { StandardSchemaV1 } from "@standard-schema/spec";
import { EventTooLargeError, limits } from "@tuppence/core";
import { GroupCommit, itemSize, packCommit } from "@tuppence/core/chains";
import { InvalidMessageError, MessageTooLargeError, QueueFullError } from "../errors.ts";
import type { NewMessage } from "../message.ts";
import { type PreparedMessage, prepareMessages } from "../prepare-messages.ts";
import type { EnqueueOptions, EnqueueResult, ProducerState } from "../queue.ts";
import type { QueueContext } from "../queue-context.ts";
import type { EnqueueOutcome } from "./answer-calls.ts";
import type { EnqueueGuards } from "./guards.ts";
import { type EnqueueCall, QueueWriter } from "./queue-writer.ts";

export interface EnqueuerOptions {
  readonly schema: StandardSchemaV1 | undefined;
  readonly dedupWindowMs: number;
  readonly lingerMs: number;
  readonly maxWaiting: number;
  readonly producer: { readonly id: string } | undefined;
  /** Tells whoever wants to know that something was enqueued. */
  readonly announce: () => void;
  readonly guards: EnqueueGuards;
  readonly maxItemBytes?: number | undefined;
}

export interface Enqueuer {
  enqueue(messages: NewMessage | readonly NewMessage[], options?: EnqueueOptions): Promise<EnqueueResult>;
  producerState(): Promise<ProducerState>;
  close(): Promise<void>;
}

/** In an item beside its messages and twice the chain's name: keys, times, the producer. */
const ENVELOPE_BYTES = 1_024;

/** The way into a queue: calls are checked, wait for each other, and are written in groups. */
export function createEnqueuer(context: QueueContext, options: EnqueuerOptions): Enqueuer {
  return new GroupedEnqueuer(context, options);
}

class GroupedEnqueuer implements Enqueuer {
  readonly #context: QueueContext;
  readonly #options: EnqueuerOptions;
  readonly #writer: QueueWriter;
  readonly #groups: GroupCommit<EnqueueCall, EnqueueOutcome>;
  readonly #maxItemBytes: number;
  /** Messages of all calls that were not answered yet. */
  #waiting = 0;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(context: QueueContext, options: EnqueuerOptions) {
    const { lingerMs, maxItemBytes = limits.MAX_ITEM_BYTES } = options;
    this.#context = context;
    this.#options = options;
    this.#maxItemBytes = maxItemBytes;
    this.#writer = new QueueWriter(context, { ...options, maxItemBytes });
    // Without a linger, those still join whose calls are about to come: of this tick, or who were answered just now.
    const gather = lingerMs > 0 ? () => context.runtime.sleep(lingerMs) : nextTurn;
    this.#groups = new GroupCommit((_, calls) => this.#writer.write(calls), this.#maxGroupBytes(), gather);
  }

  async enqueue(
    messages: NewMessage | readonly NewMessage[],
    { sequence, signal }: EnqueueOptions = {},
  ): Promise<EnqueueResult> {
    this.#checkSequence(sequence);
    const list = Array.isArray(messages) ? (messages as readonly NewMessage[]) : [messages as NewMessage];
    const { schema, dedupWindowMs, guards } = this.#options;
    const settings = { schema, dedupWindowMs, marginMs: guards.marginMs, nowMs: this.#context.runtime.now() };
    const prepared = await prepareMessages(this.#context.name, list, settings);
    if (prepared.length === 0) {
      const issues = [{ path: "messages", message: "a call holds no message; give at least one" }] as const;
      throw new InvalidMessageError({ queue: this.#context.name, index: 0, issues });
    }
    const bytes = this.#checkSize(prepared);
    signal?.throwIfAborted();
    const result = await this.#add({ messages: prepared, sequence, bytes, signal });
    this.#options.announce();
    return result;
  }

  async producerState(): Promise<ProducerState> {
    const { producer } = this.#options;
    if (producer === undefined) throw new TypeError("A queue without a producer has no state of it.");
    await this.#add({ messages: [], bytes: 0, looks: true });
    const { sequence = 0, position = 0 } = this.#writer.producer ?? {};
    return { sequence, position };
  }

  async close(): Promise<void> {
    // What becomes of them, their callers are told.
    await Promise.allSettled(this.#underWay);
    await this.#writer.close();
  }

  async #add(call: EnqueueCall): Promise<EnqueueResult> {
    const { name, chain } = this.#context;
    const { maxWaiting } = this.#options;
    const count = call.messages.length;
    if (this.#waiting > 0 && this.#waiting + count > maxWaiting) {
      throw new QueueFullError({ queue: name, waiting: this.#waiting, maxWaiting });
    }
    this.#waiting += count;
    const added = this.#groups.add(chain, call);
    this.#underWay.add(added);
    try {
      const outcome = await added;
      if (outcome.kind === "refused") throw outcome.error;
      const { positions, duplicates, capacity } = outcome;
      return { positions, duplicates, capacity };
    } finally {
      this.#waiting -= count;
      this.#underWay.delete(added);
    }
  }

  #checkSequence(sequence: number | undefined): void {
    if (sequence === undefined) return;
    if (this.#options.producer === undefined) {
      throw new TypeError("Only a queue with a producer takes a sequence.");
    }
    if (!(Number.isSafeInteger(sequence) && sequence >= 1)) {
      throw new RangeError(`sequence is ${sequence}; it has to be a whole number from 1.`);
    }
  }

  #maxGroupBytes(): number {
    return this.#maxItemBytes - 2 * Buffer.byteLength(this.#context.chain) - ENVELOPE_BYTES;
  }

  /** The bytes of a call's messages as they are. @throws MessageTooLargeError when an item can't hold them, compressed either. */
  #checkSize(messages: readonly PreparedMessage[]): number {
    let bytes = 0;
    for (const { text } of messages) bytes += Buffer.byteLength(text) + 1;
    if (bytes <= this.#maxGroupBytes()) return bytes;
    const { name: queue, chain } = this.#context;
    const limit = this.#maxItemBytes;
    try {
      const pack = { streamId: chain, events: messages, reservedBytes: ENVELOPE_BYTES, maxItemBytes: limit };
      const parts = packCommit(pack);
      if (parts.length === 1) return bytes;
      const size = parts.reduce((total, { content }) => total + itemSize(content), 0);
      throw new MessageTooLargeError({ queue, size, limit });
    } catch (error) {
      if (!(error instanceof EventTooLargeError)) throw error;
      const { size, eventIndex: index } = error;
      throw new MessageTooLargeError({ queue, size, limit, index });
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
