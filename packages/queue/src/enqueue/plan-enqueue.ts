import type { PackedEvent } from "@tuppence/core/chains";
import type { TuppenceError } from "@tuppence/core";
import type { PreparedMessage } from "../prepare-messages.ts";

/** Which messages of a group of calls are to be written, and what the others are. */

export interface CallToPlan {
  readonly messages: readonly PreparedMessage[];
  /** The producer's sequence of its first message, if the caller gives it. */
  readonly sequence?: number | undefined;
}

/** What is known of the queue up to the end that the group is to be written after. */
export interface Knowledge {
  /**
   * The position of a message that has the id and need not be written again; undefined: there is none.
   *
   * @throws when too little is known to say.
   */
  readonly findDuplicate: (message: PreparedMessage & { readonly messageId: string }) => number | undefined;
  /** Whether a message is looked for among those before it in the group. Off only in tests that show what it is for. */
  readonly comparesGroup: boolean;
  /** The queue's producer, if it has one, as it stands. */
  readonly producer?: ProducerKnowledge | undefined;
}

interface ProducerKnowledge {
  /** Of its last message; 0: there is none. */
  readonly sequence: number;
  /** Where one of its messages is; 0: not known. */
  readonly positionOf: (sequence: number) => number;
  /** Why a call can't be enqueued that begins with a sequence which is not the next. */
  readonly gap: (sequence: number, expected: number) => TuppenceError;
}

/** Where a message is: `offset` in what is to be written, from 0, or at a position already. */
type MessagePlace = { readonly offset: number } | { readonly position: number };

export type CallPlan =
  /** All its messages are to be written, one behind the other: the first there. */
  | { readonly kind: "whole"; readonly offset: number }
  /** Some of its messages are in the queue already, or are in the group before: `duplicates`, by their order in the call. */
  | {
      readonly kind: "parts";
      readonly places: readonly MessagePlace[];
      readonly duplicates: readonly number[];
    }
  | { readonly kind: "refused"; readonly error: unknown };

export interface EnqueuePlan {
  /** What is to be written, in order. */
  readonly entries: readonly (PackedEvent & { readonly messageId: string | undefined })[];
  /** For each call, in their order. */
  readonly calls: readonly CallPlan[];
}

/**
 * Decides what of a group is written after an end. A call is written as a whole but for its duplicates, or refused as a whole,
 * which leaves the others alone.
 */
export function planEnqueue(calls: readonly CallToPlan[], knowledge: Knowledge): EnqueuePlan {
  const group = new Group(knowledge);
  const plans = calls.map((call) => group.plan(call));
  return { entries: group.entries, calls: plans };
}

class Group {
  readonly entries: (PackedEvent & { readonly messageId: string | undefined })[] = [];
  readonly #knowledge: Knowledge;
  /** Of the messages to be written, by their ids. */
  readonly #offsets = new Map<string, number>();

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
  }

  plan(call: CallToPlan): CallPlan {
    if (call.sequence === undefined && call.messages.every(({ messageId }) => messageId === undefined)) {
      const offset = this.entries.length;
      for (const message of call.messages) this.#write(message);
      return { kind: "whole", offset };
    }
    const before = this.entries.length;
    try {
      return this.#planParts(call, before);
    } catch (error) {
      this.#takeBack(before);
      return { kind: "refused", error };
    }
  }

  #planParts({ messages, sequence }: CallToPlan, before: number): CallPlan {
    const places: MessagePlace[] = [];
    const duplicates: number[] = [];
    for (const [index, message] of messages.entries()) {
      const known = sequence === undefined ? this.#findById(message) : this.#findBySequence(sequence + index);
      if (known !== undefined) {
        duplicates.push(index);
        places.push(known);
        continue;
      }
      places.push({ offset: this.entries.length });
      this.#write(message);
    }
    return duplicates.length === 0
      ? { kind: "whole", offset: before }
      : { kind: "parts", places, duplicates };
  }

  #findById(message: PreparedMessage): MessagePlace | undefined {
    const { messageId } = message;
    if (messageId === undefined) return undefined;
    const offset = this.#offsets.get(messageId);
    if (offset !== undefined) return { offset };
    const position = this.#knowledge.findDuplicate({ ...message, messageId });
    return position === undefined ? undefined : { position };
  }

  /** A sequence that is given decides alone: its message is new, or was enqueued whatever its id is. */
  #findBySequence(sequence: number): MessagePlace | undefined {
    const { producer } = this.#knowledge;
    if (producer === undefined) throw new TypeError("Only a queue with a producer takes a sequence.");
    const next = producer.sequence + this.entries.length + 1;
    if (sequence > next) throw producer.gap(sequence, next);
    if (sequence === next) return undefined;
    const offset = sequence - producer.sequence - 1;
    if (offset >= 0) return { offset };
    return { position: producer.positionOf(sequence) };
  }

  #write({ text, messageId }: PreparedMessage): void {
    if (messageId !== undefined && this.#knowledge.comparesGroup && !this.#offsets.has(messageId)) {
      this.#offsets.set(messageId, this.entries.length);
    }
    this.entries.push({ text, messageId });
  }

  /** What a call that is refused was to write is not. */
  #takeBack(length: number): void {
    for (const { messageId } of this.entries.splice(length)) {
      if (messageId !== undefined && Number(this.#offsets.get(messageId)) >= length) {
        this.#offsets.delete(messageId);
      }
    }
  }
}
