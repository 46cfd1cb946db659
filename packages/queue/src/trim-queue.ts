import {
  Bill,
  type Capacity,
  CHAIN_GUARDS,
  type ChainItem,
  type ChainReadContext,
  itemHolding,
  itemSize,
  LAST_SLOT,
  lastItemUpTo,
  readChainPages,
  writeUnits,
} from "@tuppence/core/chains";
import { ENQUEUE_GUARDS } from "./enqueue/guards.ts";
import type { QueueContext } from "./queue-context.ts";
import { findRegistration } from "./registration.ts";
import { findTrimRecord, saveTrimRecord, type TrimRecord } from "./trim-record.ts";

export interface TrimOptions {
  /** Only messages before this position. Default: all that may go. */
  readonly before?: number | undefined;
  /** Only messages that were enqueued before this time. Default: all that may go. */
  readonly olderThan?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TrimResult {
  /** The first position that is kept. */
  readonly firstPosition: number;
  readonly capacity: Capacity;
}

/** The lowest position that somebody still needs, infinite if nobody needs any. */
export type NeededPosition = (signal: AbortSignal | undefined) => Promise<number>;

/** Items stripped at once. */
const CONCURRENCY = 16;

/**
 * Takes the content out of the items before a position: never what a group has not done or has parked, what ids may have to be
 * looked for in, or the last item. The items stay, as empty slots: if they went, a writer who remembers an end among them could
 * write there again.
 */
export async function trimQueue(
  context: QueueContext,
  { before, olderThan, signal }: TrimOptions,
  neededFrom: NeededPosition,
  marginMs: number = ENQUEUE_GUARDS.marginMs,
): Promise<TrimResult> {
  const { control, name, reader } = context;
  await context.checkRegion();
  const bill = new Bill();
  const reading = readingOf(context, bill);
  const tail = await lastItemUpTo(reading, LAST_SLOT, signal);
  let record = await findTrimRecord(control, name, signal);
  if (tail !== undefined) {
    const young = new Date((await windowStart(context, signal)) - 2 * marginMs);
    const limits = [
      before ?? LAST_SLOT,
      tail.first,
      await neededFrom(signal),
      await reader.positionAt(young, signal),
      olderThan === undefined ? LAST_SLOT : await reader.positionAt(olderThan, signal),
    ];
    const { first } = await itemHolding(reading, Math.min(...limits), signal);
    // First it is said, then done: who reads then, knows why there is nothing.
    const after = { ...record, firstPosition: first };
    if (first > record.firstPosition) record = await saveTrimRecord(context, name, { before: record, after });
    await strip(context, { record, bill, signal });
  }
  return { firstPosition: record.firstPosition, capacity: bill.total() };
}

/** Ids may be looked for in what is younger, and in what is older by as much as clocks differ: then, and now. */
async function windowStart(
  { control, name, runtime }: QueueContext,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { dedupWindowMs = 0 } = (await findRegistration(control, name, signal)) ?? {};
  return runtime.now() - dedupWindowMs;
}

interface Strip {
  readonly record: TrimRecord;
  readonly bill: Bill;
  readonly signal: AbortSignal | undefined;
}

/** Takes away what the record says, from where an earlier trim ended, or was interrupted. */
async function strip(context: QueueContext, { record, bill, signal }: Strip): Promise<void> {
  const { firstPosition, stripped: low } = record;
  if (low >= firstPosition) return;
  const window = {
    low,
    lowIsFirst: true,
    high: firstPosition - 1,
    backward: false,
    consistency: "strong",
  } as const;
  let done = record;
  for await (const page of readChainPages(readingOf(context, bill), { ...window, signal })) {
    const items = page.filter(({ truncatedBefore }) => truncatedBefore === undefined);
    for (let at = 0; at < items.length; at += CONCURRENCY) {
      const some = items.slice(at, at + CONCURRENCY);
      await Promise.all(some.map((item) => stripItem(context, item, { record, bill, signal })));
    }
    const last = page.at(-1)?.last ?? low - 1;
    done = await saveTrimRecord(context, context.name, {
      before: done,
      after: { ...done, stripped: last + 1 },
    });
    // Somebody else is further, and goes on from before here.
    if (done.stripped !== last + 1) return;
  }
}

async function stripItem(
  { storage, chain }: QueueContext,
  { item, first }: ChainItem,
  { record, bill, signal }: Strip,
): Promise<void> {
  const { x } = item;
  // Whose messages they were is kept: by it a producer knows how far it was.
  const attributes = { d: { N: String(record.firstPosition) }, ...(x && { x }) };
  await storage.strip({ chain, slot: first }, attributes, signal);
  bill.addWrite(writeUnits(itemSize(item)));
}

function readingOf({ storage, runtime, chain }: QueueContext, bill: Bill): ChainReadContext {
  return { storage, runtime, chain, bill, guards: CHAIN_GUARDS };
}
