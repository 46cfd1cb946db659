import { LRUCache } from "lru-cache";
import { itemSize } from "../capacity/item-size.ts";
import { Bill } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { type ChainReadContext, LAST_SLOT, lastItemUpTo, readChainPages } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import { pause } from "../runtime.ts";
import { allowManyWaiters } from "../shared-signal.ts";
import { checkCounts, type ReadContext } from "../store/read-stream.ts";
import {
  DEFAULT_KEPT_BYTES,
  DEFAULT_POLL_INTERVAL_MS,
  type LogFilter,
  type LogReader,
  type LogReaderOptions,
  type ReadBatch,
} from "./log-reads.ts";
import { openApart } from "./open-apart.ts";
import { LOG, readMeasuredPage } from "./page.ts";
import { checkFilter } from "./read-log.ts";

/** @throws RangeError for options that can't be. */
export function createLogReader(context: ReadContext, options: LogReaderOptions): LogReader {
  const { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, keptBytes = DEFAULT_KEPT_BYTES } = options;
  checkCounts({ pollIntervalMs, keptBytes });
  return new SharedLogReader(context, { pollIntervalMs, keptBytes });
}

/** Places in the log that are read on from without asking anew; each has one request under way at most. */
const MAX_WALKS = 8;

/** The log from a place on. A walk fetches one request ahead of who takes from it. */
type Walk = AsyncIterator<readonly ChainItem[], void>;

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class SharedLogReader implements LogReader {
  readonly #context: ReadContext;
  readonly #pollIntervalMs: number;
  /** By first position. */
  readonly #kept: LRUCache<number, ChainItem>;
  /** By the position that comes next, the least recently used first. */
  readonly #walks = new Map<number, Walk>();
  /** By the position that is asked for. */
  readonly #fetches = new Map<number, Promise<ChainItem | undefined>>();
  readonly #waiters = new Set<Waiter>();
  /** Ends the pause before the next look. */
  #polling: AbortController | undefined;
  /** An end of a page: something begins right behind it, or nothing does yet. */
  #knownEnd = 0;
  /** What `#knownEnd` was when something far behind it was asked for, and nothing was there. */
  #emptyBehind: number | undefined;

  constructor(
    context: ReadContext,
    options: { readonly pollIntervalMs: number; readonly keptBytes: number },
  ) {
    this.#context = context;
    this.#pollIntervalMs = options.pollIntervalMs;
    this.#kept = new LRUCache({ maxSize: options.keptBytes, sizeCalculation: ({ item }) => itemSize(item) });
  }

  async read(
    after: number,
    options: LogFilter & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ReadBatch> {
    checkPosition("after", after);
    const filter = checkFilter(this.#context, options);
    const { signal } = options;
    signal?.throwIfAborted();
    const page = this.#find(after + 1) ?? (await untilAborted(this.#fetch(after + 1), signal));
    if (page === undefined) {
      return { events: [], unreadable: [], position: after, caughtUp: true, characters: 0, t: undefined };
    }
    const { slices, characters } = readMeasuredPage(page);
    const window = { low: after + 1, high: LAST_SLOT, signal };
    const opened = await openApart(this.#context, slices, { ...filter, window, bill: new Bill() });
    const share = opened.events.length / (page.last - page.first + 1);
    return {
      ...opened,
      position: page.last,
      caughtUp: false,
      characters: Math.ceil(characters * share),
      t: page.t,
    };
  }

  async waitBeyond(
    position: number,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    checkPosition("position", position);
    signal?.throwIfAborted();
    if (position < this.#knownEnd) return;
    let waiter: Waiter | undefined;
    const found = new Promise<void>((resolve, reject) => {
      waiter = { position, resolve, reject };
      this.#waiters.add(waiter);
    });
    if (this.#polling === undefined) void this.#poll();
    try {
      await untilAborted(found, signal);
    } finally {
      if (waiter) this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) this.#polling?.abort("nobody waits");
    }
  }

  /** Looks at the log's end for all that wait, as long as somebody does. Never rejects. */
  async #poll(): Promise<void> {
    const polling = new AbortController();
    this.#polling = polling;
    do {
      try {
        if (!(await pause(this.#context.runtime, this.#pollIntervalMs, polling.signal))) break;
        await this.#look();
      } catch (error) {
        for (const waiter of this.#waiters) waiter.reject(error);
        this.#waiters.clear();
      }
    } while (this.#waiters.size > 0);
    this.#polling = undefined;
    // Somebody came while it ended.
    if (this.#waiters.size > 0) void this.#poll();
  }

  async #look(): Promise<void> {
    if (this.#waiters.size === 0) return;
    const low = Math.min(...Array.from(this.#waiters, ({ position }) => position)) + 1;
    if (low > this.#knownEnd) await this.#fetch(low);
    for (const waiter of this.#waiters) {
      if (waiter.position >= this.#knownEnd) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** A page that was kept, and holds a position. */
  #find(position: number): ChainItem | undefined {
    const page = this.#kept.get(position);
    if (page !== undefined) return page;
    if (position > this.#knownEnd) return undefined;
    // Only a position of the caller's own is inside a page.
    for (const [first, other] of this.#kept.entries()) {
      if (first < position && position <= other.last) return other;
    }
    return undefined;
  }

  /** Those who ask for the same at a time share the request. */
  #fetch(position: number): Promise<ChainItem | undefined> {
    const running = this.#fetches.get(position);
    if (running !== undefined) return running;
    const fetch = this.#takeFrom(position).finally(() => this.#fetches.delete(position));
    this.#fetches.set(position, fetch);
    return fetch;
  }

  async #takeFrom(position: number): Promise<ChainItem | undefined> {
    const holds = (page: ChainItem): boolean => page.first <= position && position <= page.last;
    if (position > this.#knownEnd && this.#emptyBehind === this.#knownEnd) {
      // It was beyond the end: the next page may begin before it, so that is what is looked for.
      const pages = await this.#walkOn(this.#knownEnd + 1);
      const page = pages?.find(holds);
      if (pages === undefined || page !== undefined) return page;
    }
    const pages = await this.#walkOn(position);
    return pages === undefined ? this.#lookBack(position) : pages.find(holds);
  }

  /** What begins at a position and behind it; undefined when there is nothing. */
  async #walkOn(position: number): Promise<readonly ChainItem[] | undefined> {
    const begun = this.#walks.get(position);
    this.#walks.delete(position);
    // One that came to the log's end tells nothing of what was added since.
    return (begun && (await this.#step(begun))) ?? (await this.#step(this.#begin(position)));
  }

  #begin(position: number): Walk {
    const window = { low: position, lowIsFirst: true, high: LAST_SLOT, backward: false } as const;
    return readChainPages(this.#log(), { ...window, consistency: "eventual" });
  }

  /** What a walk has next, kept; undefined at its end. */
  async #step(walk: Walk): Promise<readonly ChainItem[] | undefined> {
    const { value: pages, done } = await walk.next();
    const last = done === true ? undefined : pages.at(-1);
    if (done === true || last === undefined) return undefined;
    for (const page of pages) this.#kept.set(page.first, page);
    this.#knownEnd = Math.max(this.#knownEnd, last.last);
    this.#keepWalk(last.last + 1, walk);
    return pages;
  }

  /** Nothing begins at or behind a position: it may be inside the last page, if it is not known to be behind that. */
  async #lookBack(position: number): Promise<ChainItem | undefined> {
    if (position - 1 === this.#knownEnd) return undefined;
    const last = await lastItemUpTo(this.#log(), position, undefined);
    this.#knownEnd = Math.max(this.#knownEnd, last?.last ?? 0);
    if (last === undefined || last.last < position) {
      this.#emptyBehind = this.#knownEnd;
      return undefined;
    }
    this.#kept.set(last.first, last);
    return last;
  }

  #log(): ChainReadContext {
    return readContext(this.#context, { chain: LOG, bill: new Bill() });
  }

  #keepWalk(next: number, walk: Walk): void {
    this.#walks.set(next, walk);
    for (const [oldest, other] of this.#walks) {
      if (this.#walks.size <= MAX_WALKS) return;
      this.#walks.delete(oldest);
      // Ends the request ahead.
      void other.return?.();
    }
  }
}

function checkPosition(name: string, position: number): void {
  if (Number.isSafeInteger(position) && position >= 0 && position < LAST_SLOT) return;
  throw new RangeError(`${name} is ${String(position)}; it has to be a position, or 0.`);
}

/** What a promise gives, unless the signal is aborted first: what others share goes on. */
async function untilAborted<Result>(
  result: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return result;
  result.catch(() => undefined);
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    allowManyWaiters(signal).addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
  }
}
