import {
  type Bill,
  CHAIN_GUARDS,
  type ChainContext,
  type ChainEnd,
  type ChainItem,
  EMPTY_CHAIN,
  KnownEnds,
  LAST_SLOT,
  lastItemUpTo,
  readChain,
  readContext,
  readOn,
  readTail,
} from "@tuppence/core/chains";
import { QueueTrimmedError } from "../errors.ts";
import { messageIdsOf } from "../message-item.ts";
import type { QueueContext } from "../queue-context.ts";
import type { EnqueueGuards } from "./guards.ts";
import { type KnownItem, KnownMessages } from "./known-messages.ts";
import { Producer } from "./producer.ts";
import type { ProducerHints } from "./producer-hints.ts";

/** Items of the first page when the queue is read back. */
const FIRST_ITEMS = 4;

/** By so many groups it goes how far back ids are remembered. */
const REMEMBERED_GROUPS = 64;

/**
 * What a process knows of a queue: where it ends, which ids are in it before that end, back to some time, and how far the own
 * producer is. Every item that comes behind the end is taken in, so that nothing is missing in between.
 */
export class QueueView {
  readonly context: ChainContext;
  readonly #queue: QueueContext;
  readonly #guards: EnqueueGuards;
  readonly #known = new KnownMessages();
  #producer: Producer | undefined;
  #end: ChainEnd | undefined;
  /** Where messages are gone that an id might have to be looked for in. */
  #trimmed: { readonly position: number; readonly firstPosition: number } | undefined;
  /** How far back the last groups had to know the queue, in epoch milliseconds. */
  readonly #horizons: number[] = [];

  constructor(queue: QueueContext, guards: EnqueueGuards) {
    const { storage, runtime } = queue;
    this.#queue = queue;
    this.#guards = guards;
    this.context = { storage, runtime, guards: CHAIN_GUARDS, knownEnds: new KnownEnds(1) };
  }

  /** The last position that is known; 0: there is none. */
  get end(): number {
    return this.#end?.version ?? 0;
  }

  get producer(): Producer | undefined {
    return this.#producer;
  }

  /**
   * The position of a message with an id that was written at a time or later.
   *
   * @throws QueueTrimmedError when there were others at that time, of which nothing is left.
   */
  findMessage(messageId: string, since: number): number | undefined {
    if (since < this.#known.since && this.#trimmed !== undefined) {
      throw new QueueTrimmedError({ queue: this.#queue.name, ...this.#trimmed });
    }
    return this.#known.find(messageId, since);
  }

  /** Makes sure that it is known where the queue ends, or did lately. */
  async findEnd(bill: Bill): Promise<void> {
    this.#end ??= await readTail(this.context, { chain: this.#queue.chain, bill });
  }

  /** Makes sure that all items are known which were written at a time or later. */
  async reach(horizon: number, bill: Bill): Promise<void> {
    if (horizon >= this.#known.since) return;
    if (!this.#guards.looksBack) return this.#known.addOlder([], horizon);
    const lowest = this.#known.lowest ?? (this.#end === undefined ? undefined : this.#end.version + 1);
    const window = {
      low: 1,
      lowIsFirst: true,
      high: lowest === undefined ? LAST_SLOT : lowest - 1,
      backward: true,
      consistency: "strong",
      firstPageItems: FIRST_ITEMS,
    } as const;
    const items: KnownItem[] = [];
    let since = horizon;
    if (window.high > 0) {
      for await (const item of readChain(this.#reading(bill), window)) {
        this.#end ??= this.endAfter(item);
        // Times never go back within a queue: what is below is older still.
        if (item.t < horizon) break;
        if (item.truncatedBefore !== undefined) {
          since = this.#noteTrimmed(item);
          break;
        }
        items.push(knownItem(item));
      }
    }
    this.#end ??= EMPTY_CHAIN;
    this.#known.addOlder(items.reverse(), since);
  }

  /** Takes in what others wrote behind the known end. */
  async catchUp(bill: Bill): Promise<void> {
    const next = this.end + 1;
    for await (const item of readOn(this.#reading(bill), next, { consistency: "strong" })) this.takeIn(item);
  }

  /** Takes in an item right behind the known end. */
  takeIn(item: ChainItem): void {
    this.#end = this.endAfter(item);
    if (!this.#guards.takesInWinners) return;
    this.#producer?.takeIn(item);
    if (this.#known.since === Number.POSITIVE_INFINITY) return;
    if (item.truncatedBefore === undefined) this.#known.add(knownItem(item));
    else this.#known.forgetBefore(this.#noteTrimmed(item));
  }

  /** Takes in what this process wrote right behind the known end. */
  takeInOwn(end: ChainEnd, messageIds: readonly (string | undefined)[]): void {
    const first = this.end + 1;
    const count = messageIds.length;
    this.#end = end;
    this.#producer?.add({ sequence: this.#producer.sequence + 1, position: first, count });
    if (this.#known.since === Number.POSITIVE_INFINITY) return;
    this.#known.add({ first, last: first + count - 1, t: Number(end.t), messageIds });
  }

  /** Lets go of what groups like the last ones, which had to know the queue back to `horizon`, need not know. */
  forget(horizon: number): void {
    if (this.#known.since === Number.POSITIVE_INFINITY) return;
    this.#horizons.push(horizon);
    if (this.#horizons.length > REMEMBERED_GROUPS) this.#horizons.shift();
    this.#known.forgetBefore(Math.min(...this.#horizons));
  }

  /** Finds out how far a producer is: from what was last heard of it on, every item is looked at. */
  async restore(id: string, hints: ProducerHints, bill: Bill): Promise<void> {
    if (this.#producer !== undefined) return;
    const { chain } = this.#queue;
    let hint = await hints.find();
    if (hint === undefined) {
      const { version: position } = await readTail(this.context, { chain, bill });
      hint = this.#guards.hintsFirst ? await hints.begin(position) : { sequence: 0, position };
    }
    const producer = new Producer(id, hint);
    let end: ChainEnd | undefined;
    for await (const item of readOn(this.#reading(bill), hint.position + 1, { consistency: "strong" })) {
      producer.takeIn(item);
      end = this.endAfter(item);
    }
    // Not where it ends by now: what was written since it was read has not been taken in.
    this.#end = end ?? (await this.#endAt(hint.position, bill));
    this.#producer = producer;
  }

  /** The end at a position that an item ends at. */
  async #endAt(position: number, bill: Bill): Promise<ChainEnd> {
    const item = position === 0 ? undefined : await lastItemUpTo(this.#reading(bill), position, undefined);
    return item ? this.endAfter(item) : EMPTY_CHAIN;
  }

  endAfter(item: ChainItem): ChainEnd {
    const end = this.context.guards.endAfter(item);
    this.context.knownEnds.add(this.#queue.chain, end);
    return end;
  }

  /** The first time that nothing of is gone, as far as this item says. */
  #noteTrimmed({ t, last, truncatedBefore = last + 1 }: ChainItem): number {
    this.#trimmed = { position: last, firstPosition: truncatedBefore };
    return t + 1;
  }

  #reading(bill: Bill): ReturnType<typeof readContext> {
    return readContext(this.context, { chain: this.#queue.chain, bill });
  }
}

function knownItem(item: ChainItem): KnownItem {
  const { first, last, t } = item;
  return { first, last, t, messageIds: messageIdsOf(item) };
}
