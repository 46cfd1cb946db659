import { itemSize, type Item } from "../capacity/item-size.ts";
import { Bill, type Billed, writeUnits } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { itemHolding, LAST_SLOT, lastItemUpTo, readChain } from "../chain/read-chain.ts";
import { CONTENT_ATTRIBUTES } from "../chain/storage.ts";
import type { ChainItem } from "../chain/tiling.ts";
import { SnapshotTooLargeError } from "../input-errors.ts";
import type { RecordedEvent } from "../events.ts";
import type { AppendContext } from "./append.ts";
import type { Fold, TruncateOptions, TruncateResult } from "./read-options.ts";
import { loadState } from "./load-state.ts";
import { checkCounts } from "./read-stream.ts";
import { packState, saveState } from "./snapshot.ts";

/** Items stripped at once. */
const CONCURRENCY = 16;

interface Truncation<State> extends TruncateOptions, Billed {
  readonly fold: Fold<State, RecordedEvent>;
}

/**
 * Takes the content out of the items before a version. The items stay, as empty slots: if they went, a writer who remembers
 * an end among them could write there again.
 */
export async function truncateStream<State>(
  context: AppendContext,
  streamId: string,
  { fold, before, bill = new Bill(), signal }: Truncation<State>,
): Promise<TruncateResult> {
  const { snapshot: policy } = fold;
  checkCounts({ before });
  if (policy === undefined) throw new TypeError("A stream is truncated with a fold that keeps snapshots.");
  const read = readContext(context, { chain: streamId, bill });
  const last = await lastToTruncate(context, streamId, { before, bill, signal });
  if (last === undefined) return { firstVersion: 1, capacity: bill.total() };
  const firstVersion = last.truncatedBefore ?? last.commitLast + 1;
  const strip = async (item: ChainItem, state?: Item): Promise<void> => {
    const slot = { chain: streamId, slot: item.first };
    await context.storage.strip(slot, { d: { N: String(firstVersion) }, ...state }, signal);
    bill.addWrite(writeUnits(itemSize(item.item)));
  };
  if (last.truncatedBefore === undefined) {
    // The state first: from here on, it stands for what is taken away.
    const options = { toVersion: last.last, bill, signal };
    const { state, subjects } = await loadState(context, streamId, { fold, options });
    const saved = { version: policy.version, text: saveState(policy, state), subjects };
    const packed = await packState(saved, context.encryption);
    const size = itemSize({ ...withoutContent(last.item), ...packed });
    if (size > context.maxItemBytes) throw new SnapshotTooLargeError(streamId, size, context.maxItemBytes);
    await strip(last, packed);
  }
  const window = { low: 1, high: last.first - 1, backward: false, consistency: "strong", signal } as const;
  const underWay = new Set<Promise<void>>();
  try {
    if (window.high >= window.low) {
      for await (const item of readChain(read, window)) {
        if (item.truncatedBefore !== undefined) continue;
        const stripped = strip(item).finally(() => underWay.delete(stripped));
        underWay.add(stripped);
        // Failures are met below.
        stripped.catch(() => undefined);
        if (underWay.size >= CONCURRENCY) await Promise.race(underWay);
      }
    }
  } finally {
    await Promise.all(underWay);
  }
  return { firstVersion, capacity: bill.total() };
}

/** The last item of the last commit that ends before a version and is not the stream's last; undefined if there is none. */
async function lastToTruncate(
  context: AppendContext,
  streamId: string,
  {
    before,
    bill,
    signal,
  }: { readonly before: number; readonly bill: Bill; readonly signal: AbortSignal | undefined },
): Promise<ChainItem | undefined> {
  const read = readContext(context, { chain: streamId, bill });
  const tail = await lastItemUpTo(read, LAST_SLOT, signal);
  if (tail === undefined) return undefined;
  // A closing item without events is the tail; what comes before it may go.
  let version = Math.min(before - 1, tail.first > tail.last ? tail.last : tail.commitFirst - 1);
  while (version > 0) {
    const item = await itemHolding(read, version, signal);
    if (item.commitLast <= version) return item;
    version = item.commitFirst - 1;
  }
  return undefined;
}

function withoutContent(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !CONTENT_ATTRIBUTES.includes(name)));
}
