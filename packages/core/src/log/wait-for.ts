import { Bill, type Billed } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { LAST_SLOT, lastItemUpTo, readChain, readOn } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import { StreamTruncatedError } from "../conflict-errors.ts";
import { WaitTimeoutError } from "../errors.ts";
import { checkCounts, type ReadContext } from "../store/read-stream.ts";
import { streamOf } from "./collect-units.ts";
import { DEFAULT_POLL_INTERVAL_MS, DEFAULT_WAIT_TIMEOUT_MS, type WaitForOptions } from "./log-reads.ts";
import { LOG, readPage } from "./page.ts";

/** The last pages of the log that are looked at first. */
const FIRST_PAGES = 2;

/** The position of an event in the log, once it is there. */
export async function waitForEvent(
  context: ReadContext,
  event: { readonly streamId: string; readonly version: number },
  options: WaitForOptions & Billed,
): Promise<number> {
  const { timeoutMs = DEFAULT_WAIT_TIMEOUT_MS, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, signal } = options;
  const { version } = event;
  checkCounts({ version, timeoutMs, pollIntervalMs });
  const { bill = new Bill() } = options;
  const { runtime } = context;
  const deadline = runtime.monotonic() + timeoutMs;
  const found = await lookBack(context, event, { bill, signal });
  if (found.position !== undefined) return found.position;
  const log = readContext(context, { chain: LOG, bill });
  let next = found.end + 1;
  for (;;) {
    for await (const page of readOn(log, next, { consistency: "eventual", signal })) {
      const position = positionIn(page, event);
      if (position !== undefined) return position;
      next = page.last + 1;
    }
    const left = deadline - runtime.monotonic();
    if (left <= 0)
      throw new WaitTimeoutError(`version ${version} of stream ${event.streamId} in the log`, timeoutMs);
    await runtime.sleep(Math.min(pollIntervalMs, left), signal);
  }
}

/** Where the event is in the log already, or else where the log ended before the event was looked at. */
async function lookBack(
  context: ReadContext,
  event: { readonly streamId: string; readonly version: number },
  { bill, signal }: { readonly bill: Bill; readonly signal: AbortSignal | undefined },
): Promise<{ readonly position?: number; readonly end: number }> {
  const { streamId, version } = event;
  const stored = (): Promise<ChainItem | undefined> =>
    lastItemUpTo(readContext(context, { chain: streamId, bill }), version, signal);
  const window = { low: 1, high: LAST_SLOT, backward: true, consistency: "strong" } as const;
  let end: number | undefined;
  let item: ChainItem | undefined;
  const pages = readChain(readContext(context, { chain: LOG, bill }), {
    ...window,
    firstPageItems: FIRST_PAGES,
    signal,
  });
  for await (const page of pages) {
    if (end === undefined) {
      end = page.last;
      // Not before: what is written from now on can only be in later pages.
      item = await stored();
      if (item === undefined || item.last < version) return { end };
    }
    // A page is never older than what is in it.
    if (item === undefined || page.t < item.t) break;
    const position = positionIn(page, event);
    if (position !== undefined) return { position, end };
  }
  if (end === undefined) item = await stored();
  // What is truncated does not go into the log any more.
  if (item?.truncatedBefore !== undefined && item.last >= version)
    throw new StreamTruncatedError(streamId, item.truncatedBefore);
  return { end: end ?? 0 };
}

function positionIn(
  page: ChainItem,
  { streamId, version }: { readonly streamId: string; readonly version: number },
): number | undefined {
  for (const { source, position } of readPage(page)) {
    if (streamOf(source) === streamId && source.first <= version && version <= source.last) {
      return position + version - source.first;
    }
  }
  return undefined;
}
