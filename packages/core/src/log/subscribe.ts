import { Bill } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { type ChainWindow, LAST_SLOT, readChainPages } from "../chain/read-chain.ts";
import type { EventDefinitions } from "../events.ts";
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
export function planSubscription(
  context: ReadContext,
  options: SubscribeAllOptions<EventDefinitions>,
): Subscription {
  const { fromPosition = 1, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, signal } = options;
  checkCounts({ fromPosition, pollIntervalMs });
  return { ...checkFilter(context, options), fromPosition, pollIntervalMs, signal };
}

const FORWARD = { high: LAST_SLOT, backward: false, consistency: "eventual" } as const;

/** Follows the log: reads to its end, says so once, waits, and reads on. */
export async function* subscribeLog(
  context: ReadContext,
  subscription: Subscription,
): AsyncGenerator<LogBatch, void, undefined> {
  const { signal, pollIntervalMs } = subscription;
  let position = subscription.fromPosition - 1;
  let wasCaughtUp = false;
  // Only a position of the caller's own may be inside a page.
  let lowIsFirst = false;
  try {
    for (;;) {
      if (signal?.aborted) return;
      const window = { ...FORWARD, low: position + 1, lowIsFirst, signal };
      for await (const batch of readToEnd(context, subscription, window)) {
        position = batch.position;
        wasCaughtUp = false;
        yield batch;
        if (signal?.aborted) return;
      }
      lowIsFirst = true;
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

async function* readToEnd(
  context: ReadContext,
  filter: CheckedFilter,
  window: ChainWindow,
): AsyncGenerator<LogBatch, void, undefined> {
  const bill = new Bill();
  for await (const pages of readChainPages(readContext(context, { chain: LOG, bill }), window)) {
    for (const page of pages) {
      const opened = openPage(context, page, { ...filter, window, bill });
      const events = opened instanceof Promise ? await opened : opened;
      yield { events, position: page.last, caughtUp: false };
    }
  }
}
