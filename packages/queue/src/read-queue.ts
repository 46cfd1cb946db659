import type { Runtime } from "@tuppence/core";
import {
  Bill,
  CHAIN_GUARDS,
  type ChainItem,
  type ChainReadContext,
  type ChainStorage,
  itemHolding,
  LAST_SLOT,
  lastItemUpTo,
  readChainPages,
} from "@tuppence/core/chains";
import type { ControlStorage } from "@tuppence/core/leases";
import { QueueTrimmedError } from "./errors.ts";
import type { Message } from "./message.ts";
import { readMessages } from "./message-item.ts";
import { chainOf } from "./names.ts";
import type { QueueReader, QueueReadOptions, QueueTail } from "./queue-context.ts";
import { findTrimRecord } from "./trim-record.ts";

export interface ReaderMeans {
  readonly storage: ChainStorage;
  readonly control: ControlStorage;
  readonly runtime: Runtime;
}

/** A reader of a queue. */
export function createQueueReader(queue: string, { storage, control, runtime }: ReaderMeans): QueueReader {
  const reading = (): ChainReadContext => ({
    storage,
    runtime,
    guards: CHAIN_GUARDS,
    chain: chainOf(queue),
    bill: new Bill(),
  });
  /** The highest end of an item that was seen: who has read up to there needs no look for an item that reaches beyond it. */
  let highestEnd = 0;

  async function* read(from: number, options: QueueReadOptions = {}): AsyncGenerator<readonly Message[]> {
    const { to = LAST_SLOT, consistency = "strong", signal } = options;
    if (to < from) return;
    const lowIsFirst = from === highestEnd + 1;
    const window = { low: from, high: to, lowIsFirst, backward: false, consistency, signal };
    for await (const items of readChainPages(reading(), window)) {
      const messages = items.flatMap((item) => messagesOf(queue, item));
      const { first = from } = items[0] ?? {};
      const { last = from } = items.at(-1) ?? {};
      highestEnd = Math.max(highestEnd, last);
      const isWhole = first >= from && last <= to;
      yield isWhole ? messages : messages.filter(({ position }) => position >= from && position <= to);
    }
  }

  async function tail(signal?: AbortSignal): Promise<QueueTail> {
    const item = await lastItemUpTo(reading(), LAST_SLOT, signal);
    if (item === undefined) return { position: 0, enqueuedAt: undefined };
    highestEnd = Math.max(highestEnd, item.last);
    return { position: item.last, enqueuedAt: new Date(item.t) };
  }

  const firstPosition = async (signal?: AbortSignal): Promise<number> =>
    (await findTrimRecord(control, queue, signal)).firstPosition;

  async function positionAt(time: Date, signal?: AbortSignal): Promise<number> {
    const last = await lastItemUpTo(reading(), LAST_SLOT, signal);
    let low = await firstPosition(signal);
    if (last === undefined || last.t < time.getTime()) return (last?.last ?? 0) + 1;
    // What is before `low` is older or gone; what is at `high` is not older.
    let high = last.last;
    while (low < high) {
      const item = await itemHolding(reading(), Math.floor((low + high) / 2), signal);
      if (item.t < time.getTime()) low = item.last + 1;
      else high = Math.max(low, item.first);
    }
    return low;
  }

  return { read, tail, positionAt, firstPosition };
}

/** @throws QueueTrimmedError when they were trimmed. */
function messagesOf(queue: string, item: ChainItem): readonly Message[] {
  const { truncatedBefore: firstPosition, first: position } = item;
  if (firstPosition !== undefined) throw new QueueTrimmedError({ queue, position, firstPosition });
  return readMessages(item);
}
