import { Bill } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { type ChainReadContext, LAST_SLOT, lastItemUpTo, readOn } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import { checkCounts, type ReadContext } from "../store/read-stream.ts";
import { DEFAULT_POLL_INTERVAL_MS, type LogBatch, type SubscribeAllOptions } from "./log-reads.ts";
import { LOG } from "./page.ts";
import { checkFilter, type CheckedFilter, openPage } from "./read-log.ts";

/** A subscription that was checked. */
export interface Subscription extends CheckedFilter {
  readonly fromPosition: number;
  readonly pollIntervalMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws RangeError for what is no position, interval or category, TypeError for an unknown type. */
export function planSubscription(context: ReadContext, options: SubscribeAllOptions): Subscription {
  const { fromPosition = 1, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, signal } = options;
  checkCounts({ fromPosition, pollIntervalMs });
  return { ...checkFilter(context, options), fromPosition, pollIntervalMs, signal };
}

/** Follows the log: reads to its end, says so once, waits, and reads on. */
export async function* subscribeLog(
  context: ReadContext,
  subscription: Subscription,
): AsyncGenerator<LogBatch, void, undefined> {
  const { fromPosition, pollIntervalMs, signal } = subscription;
  const window = { low: fromPosition, high: LAST_SLOT, signal };
  let position = fromPosition - 1;
  let next = fromPosition;
  // Only a position of the caller's own may be inside a page, or beyond the end.
  let looksBack = next > 1;
  let wasCaughtUp = false;
  try {
    for (;;) {
      if (signal?.aborted) return;
      const bill = new Bill();
      const read = { next, looksBack, signal };
      if (looksBack) next = 1;
      looksBack = false;
      for await (const page of readToEnd(readContext(context, { chain: LOG, bill }), read)) {
        next = page.last + 1;
        if (page.last <= position) continue;
        const opened = openPage(context, page, { ...subscription, window, bill });
        const events = opened instanceof Promise ? await opened : opened;
        position = page.last;
        wasCaughtUp = false;
        yield { events, position, caughtUp: false };
        if (signal?.aborted) return;
      }
      if (!wasCaughtUp) {
        wasCaughtUp = true;
        yield { events: [], position, caughtUp: true };
      }
      await context.runtime.sleep(pollIntervalMs, signal);
    }
  } catch (error) {
    // Ending it is what the signal is for.
    if (!signal?.aborted) throw error;
  }
}

/** The pages from a position on; when there are none and it looks back, the last one before. */
async function* readToEnd(
  log: ChainReadContext,
  {
    next: low,
    looksBack,
    signal,
  }: {
    readonly next: number;
    readonly looksBack: boolean;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<ChainItem, void, undefined> {
  let found = false;
  for await (const page of readOn(log, low, { consistency: "eventual", signal })) {
    found = true;
    yield page;
  }
  if (found || !looksBack) return;
  const before = await lastItemUpTo(log, low, signal);
  if (before !== undefined) yield before;
}
