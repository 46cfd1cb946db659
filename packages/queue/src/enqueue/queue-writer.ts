import { backoffMs, VersionConflictError } from "@tuppence/core";
import {
  appendToChain,
  Bill,
  type ChainAppendResult,
  type ChainItem,
  type GroupEntry,
  newCommitId,
  packCommit,
} from "@tuppence/core/chains";
import { ProducerSequenceError } from "../errors.ts";
import { producerText } from "../message-item.ts";
import type { QueueContext } from "../queue-context.ts";
import { answerCalls, type EnqueueOutcome } from "./answer-calls.ts";
import type { EnqueueGuards } from "./guards.ts";
import {
  type CallPlan,
  type CallToPlan,
  type EnqueuePlan,
  type Knowledge,
  planEnqueue,
} from "./plan-enqueue.ts";
import type { Producer } from "./producer.ts";
import { ProducerHints } from "./producer-hints.ts";
import { QueueView } from "./queue-view.ts";

/** A call that waits to be written. */
export interface EnqueueCall extends CallToPlan, GroupEntry {
  /** Whether it has to know what everybody has written before it. */
  readonly looks?: boolean | undefined;
}

export interface WriterOptions {
  readonly dedupWindowMs: number;
  readonly maxItemBytes: number;
  readonly producer: { readonly id: string } | undefined;
  readonly guards: EnqueueGuards;
}

/** Races for the next slot that may be lost to other processes. Each of them brought the queue forward. */
const MAX_RACES = 1_000;
/** Races after which the winner's end is tried at once. After more, others are many: wait, and read what they wrote. */
const CLOSE_RACES = 1;
const RACE_BACKOFF = { baseMs: 1, maxMs: 25 };

/** Writes one group of calls after the other to a queue. */
export class QueueWriter {
  readonly #queue: QueueContext;
  readonly #options: WriterOptions;
  readonly #view: QueueView;
  readonly #hints: ProducerHints | undefined;

  constructor(queue: QueueContext, options: WriterOptions) {
    const { producer, guards } = options;
    this.#queue = queue;
    this.#options = options;
    this.#view = new QueueView(queue, guards);
    this.#hints = producer && new ProducerHints(queue, queue.name, producer.id);
  }

  /** The queue's producer, once it has been looked for. */
  get producer(): Producer | undefined {
    return this.#view.producer;
  }

  async write(calls: readonly EnqueueCall[]): Promise<EnqueueOutcome[]> {
    const bill = new Bill();
    const horizon = horizonOf(calls);
    await this.#queue.open();
    await this.#prepare(horizon, bill);
    let looked = false;
    if (calls.some(({ looks }) => looks)) {
      await this.#view.catchUp(bill);
      looked = true;
    }
    for (let race = 0; race <= MAX_RACES; race++) {
      const plan = planEnqueue(calls, this.#knowledge());
      if (!looked && plan.calls.some(isGap)) {
        // Those before it may have come through another process.
        await this.#view.catchUp(bill);
        looked = true;
        continue;
      }
      const first = this.#view.end + 1;
      if (plan.entries.length > 0) {
        const result = await this.#append(plan, bill);
        if (result.kind === "conflict") {
          bill.lostRaces += 1;
          await this.#afterLostRace(result.winner, { race, bill });
          continue;
        }
        const end = result.kind === "written" ? result.end : this.#view.endAfter(result.found);
        this.#view.takeInOwn(
          end,
          plan.entries.map(({ messageId }) => messageId),
        );
        this.#view.forget(Math.min(horizon, this.#usualHorizon()));
        if (this.producer !== undefined) this.#hints?.refresh(this.producer);
      }
      return answerCalls(calls, plan, { first, capacity: bill.total() });
    }
    const { chain: streamId } = this.#queue;
    const { end: actual } = this.#view;
    throw new VersionConflictError({ streamId, expected: "any", actual, capacity: bill.total() });
  }

  /** Says where the producer is, for the next start to find. */
  async close(): Promise<void> {
    if (this.producer !== undefined) await this.#hints?.close(this.producer);
  }

  /** Makes sure that as much is known as it takes to write what follows from items since the horizon. */
  async #prepare(horizon: number, bill: Bill): Promise<void> {
    const { producer } = this.#options;
    if (producer && this.#hints) await this.#view.restore(producer.id, this.#hints, bill);
    await this.#view.reach(horizon, bill);
    await this.#view.findEnd(bill);
  }

  /** How far back a message of now has to know the queue. */
  #usualHorizon(): number {
    const { dedupWindowMs, guards } = this.#options;
    return this.#queue.runtime.now() - dedupWindowMs - guards.marginMs;
  }

  #knowledge(): Knowledge {
    const { producer } = this;
    return {
      comparesGroup: this.#options.guards.comparesGroup,
      findDuplicate: ({ messageId, horizon }) => this.#view.findMessage(messageId, horizon),
      producer: producer && {
        sequence: producer.sequence,
        positionOf: (sequence) => producer.positionOf(sequence),
        gap: (sequence, expected) =>
          new ProducerSequenceError({ queue: this.#queue.name, producer: producer.id, sequence, expected }),
      },
    };
  }

  #append({ entries }: EnqueuePlan, bill: Bill): Promise<ChainAppendResult> {
    const { chain, runtime } = this.#queue;
    const { maxItemBytes } = this.#options;
    const { producer } = this;
    const metadata = producer && producerText({ id: producer.id, sequence: producer.sequence + 1 });
    const parts = packCommit({ streamId: chain, events: entries, metadata, maxItemBytes });
    return appendToChain(this.#view.context, {
      chain,
      commit: { id: newCommitId(runtime.now()), parts },
      expected: this.#view.end,
      ownCommitId: false,
      bill,
    });
  }

  /** Takes in what was faster, and after more lost races all that is there. */
  async #afterLostRace(
    winner: ChainItem | undefined,
    { race, bill }: { readonly race: number; readonly bill: Bill },
  ): Promise<void> {
    if (winner !== undefined) this.#view.takeIn(winner);
    if (winner !== undefined && race < CLOSE_RACES) return;
    const { runtime } = this.#queue;
    await runtime.sleep(backoffMs(race, RACE_BACKOFF, runtime.random));
    await this.#view.catchUp(bill);
  }
}

/** How far back ids of calls have to be known; infinite if there are none. */
function horizonOf(calls: readonly EnqueueCall[]): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const { messages, sequence } of calls) {
    // A sequence decides alone.
    if (sequence !== undefined) continue;
    for (const { horizon } of messages) oldest = Math.min(oldest, horizon);
  }
  return oldest;
}

function isGap(plan: CallPlan): boolean {
  return plan.kind === "refused" && plan.error instanceof ProducerSequenceError;
}
