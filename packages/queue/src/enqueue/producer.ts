import type { ChainItem } from "@tuppence/core/chains";
import { producerOf } from "../message-item.ts";

/** What was last heard of a producer. */
export interface ProducerHint {
  /** Of its last message up to `position`; 0: there is none. */
  readonly sequence: number;
  /** That of its last message, or how far the queue was when it had none; an item ends there. */
  readonly position: number;
}

/** Messages of a producer in a row. */
interface Run {
  readonly sequence: number;
  readonly position: number;
  readonly count: number;
}

/** Runs whose positions are remembered. */
const MAX_RUNS = 1_000;

/** How far a producer is in its queue, for whoever takes in every item from a hint on. */
export class Producer {
  readonly id: string;
  #sequence = 0;
  /** Of its last message; 0: there is none. */
  #position = 0;
  readonly #runs: Run[] = [];

  constructor(id: string, hint: ProducerHint) {
    this.id = id;
    const { sequence, position } = hint;
    if (sequence > 0) this.add({ sequence, position, count: 1 });
  }

  get sequence(): number {
    return this.#sequence;
  }

  get position(): number {
    return this.#position;
  }

  /** Takes in an item behind all before. */
  takeIn(item: ChainItem): void {
    const producer = producerOf(item);
    if (producer?.id !== this.id) return;
    this.add({ sequence: producer.sequence, position: item.first, count: item.last - item.first + 1 });
  }

  add(run: Run): void {
    this.#sequence = run.sequence + run.count - 1;
    this.#position = run.position + run.count - 1;
    this.#runs.push(run);
    if (this.#runs.length > MAX_RUNS) this.#runs.shift();
  }

  /** Where one of its messages is; 0: not remembered. */
  positionOf(sequence: number): number {
    const run = this.#runs.findLast((each) => each.sequence <= sequence);
    return run === undefined ? 0 : run.position + sequence - run.sequence;
  }
}
