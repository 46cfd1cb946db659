import type { Item } from "../capacity/item-size.ts";
import type { Bill } from "../capacity/units.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import type { KnownEnds } from "./known-ends.ts";
import { type ChainReadContext, itemHolding, LAST_SLOT, lastItemUpTo, readChain } from "./read-chain.ts";
import { sendUntilCertain } from "./send.ts";
import type { ChainStorage } from "./storage.ts";
import {
  type ChainEnd,
  type ChainGuards,
  type ChainItem,
  type CommitSlots,
  countOf,
  EMPTY_CHAIN,
  type ExpectedVersion,
  type PendingCommit,
  placeAfter,
} from "./tiling.ts";

/** What a chain works with. */
export interface ChainContext {
  readonly storage: ChainStorage;
  readonly runtime: Runtime;
  readonly guards: ChainGuards;
  readonly knownEnds: KnownEnds;
}

export interface ChainAppend {
  readonly chain: string;
  readonly commit: PendingCommit;
  readonly expected: ExpectedVersion;
  /** Whether the commit's id is the caller's own, so that it may have been stored by an earlier call. */
  readonly ownCommitId: boolean;
  readonly bill: Bill;
  readonly signal?: AbortSignal | undefined;
}

/** A commit of the caller's own id, to be looked for in a chain. */
export type OwnCommit = Pick<ChainAppend, "chain" | "bill" | "signal"> & {
  readonly commit: Pick<PendingCommit, "id">;
};

/** An earlier attempt had stored the commit. */
export interface Duplicate {
  readonly kind: "duplicate";
  readonly slots: CommitSlots;
  readonly found: ChainItem;
}

export type ChainAppendResult =
  | { readonly kind: "written"; readonly first: number; readonly end: ChainEnd }
  | Duplicate
  | {
      readonly kind: "conflict";
      readonly actual: number;
      /** Whether the stream is closed, so that nothing can be appended any more. */
      readonly closed: boolean;
      readonly winner?: ChainItem | undefined;
    };

/** Races for the next slot that an append to "any" version may lose to other processes. */
const MAX_RACES = 1_000;
/** Races after which the winner's end is tried at once. After more, others are many: wait, and look where the tail is. */
const CLOSE_RACES = 1;
/** Short, as those who win go on without a pause. */
const RACE_BACKOFF = { baseMs: 1, maxMs: 25 };

/**
 * Appends a commit where it is expected to go: one conditional write when the place is known, and one read of
 * the tail before it when it is not.
 */
export async function appendToChain(context: ChainContext, append: ChainAppend): Promise<ChainAppendResult> {
  switch (append.expected) {
    case "any":
    case "streamExists":
      return appendAtTail(context, append);
    case "noStream":
      return appendToNew(context, append);
    default:
      return appendAt(context, append, append.expected);
  }
}

async function appendAt(
  context: ChainContext,
  append: ChainAppend,
  version: number,
): Promise<ChainAppendResult> {
  const { knownEnds, guards } = context;
  const known = version === 0 ? EMPTY_CHAIN : knownEnds.find(append.chain, version);
  if (known !== undefined && guards.isOpen(known)) {
    const latest = knownEnds.latest(append.chain);
    // A later commit was seen: the condition would fail for certain, so no write unit is spent on it.
    if (latest !== undefined && latest.version > version && !append.ownCommitId) return refused(latest);
    return putAfter(context, append, known);
  }
  const tail = known ?? (await readTail(context, append));
  if (guards.provesEnd(tail, version) && guards.isOpen(tail)) {
    return putAfter(context, append, { ...tail, version });
  }
  if (append.ownCommitId) {
    const next = await nextItem(context, append, { version, tail });
    const duplicate = next && asDuplicate(context, append, next);
    if (duplicate !== undefined) return duplicate;
  }
  return refused(tail);
}

/** What is in the slot after a version: later events, or what closed the stream without any. */
async function nextItem(
  context: ChainContext,
  append: ChainAppend,
  { version, tail }: { readonly version: number; readonly tail: ChainEnd },
): Promise<ChainItem | undefined> {
  const read = readContext(context, append);
  if (tail.version > version) return itemHolding(read, version + 1, append.signal);
  return tail.version === version ? lastItemUpTo(read, version + 1, append.signal) : undefined;
}

async function appendToNew(context: ChainContext, append: ChainAppend): Promise<ChainAppendResult> {
  const isKnown = context.knownEnds.latest(append.chain) !== undefined && !append.ownCommitId;
  const result = isKnown ? undefined : await putAfter(context, append, EMPTY_CHAIN);
  if (result !== undefined && result.kind !== "conflict") return result;
  const tail = await readTail(context, append);
  return { ...result, ...refused(tail) };
}

async function appendAtTail(context: ChainContext, append: ChainAppend): Promise<ChainAppendResult> {
  const { runtime, knownEnds, guards } = context;
  let end: ChainEnd | undefined;
  const looksBack = append.ownCommitId && guards.looksBack;
  if (looksBack) {
    const search = await lookBack(context, append, EMPTY_CHAIN);
    if (search.duplicate !== undefined) return search.duplicate;
    end = search.tail;
  }
  end ??= knownEnds.latest(append.chain) ?? (await readTail(context, append));
  if (append.expected === "streamExists" && end.version === 0) return refused(end);
  for (let race = 0; race < MAX_RACES && guards.isOpen(end); race++) {
    const result = await putAfter(context, append, end);
    if (result.kind !== "conflict" || result.winner === undefined) return result;
    append.bill.lostRaces += 1;
    end = guards.endAfter(result.winner);
    if (race < CLOSE_RACES) continue;
    await runtime.sleep(backoffMs(race, RACE_BACKOFF, runtime.random), append.signal);
    if (looksBack) {
      // Every later commit is compared as well, so that an own one can't be stepped over.
      const search = await lookBack(context, append, end);
      if (search.duplicate !== undefined) return search.duplicate;
      end = search.tail;
    } else {
      end = await readTail(context, append);
    }
  }
  return refused(end);
}

function refused({ version: actual, closed }: ChainEnd): ChainAppendResult & { readonly kind: "conflict" } {
  return { kind: "conflict", actual, closed };
}

/** Looks for a commit of the caller's own id from the tail down to an end: as many pages as there are between. */
export async function lookBack(
  context: ChainContext,
  append: OwnCommit,
  end: ChainEnd,
): Promise<{ readonly duplicate?: Duplicate; readonly tail: ChainEnd }> {
  const window = {
    low: end.version + 1,
    lowIsFirst: true,
    high: LAST_SLOT,
    backward: true,
    consistency: "strong",
    signal: append.signal,
  } as const;
  let tail: ChainEnd | undefined;
  for await (const item of readChain(readContext(context, append), window)) {
    tail ??= context.guards.endAfter(item);
    const duplicate = asDuplicate(context, append, item);
    if (duplicate !== undefined) return { duplicate, tail };
  }
  return { tail: tail ?? end };
}

/** Reads where the chain ends now: 1 request, strongly consistent. */
export async function readTail(
  context: ChainContext,
  read: { readonly chain: string; readonly bill: Bill; readonly signal?: AbortSignal | undefined },
): Promise<ChainEnd> {
  const item = await lastItemUpTo(readContext(context, read), LAST_SLOT, read.signal);
  if (item === undefined) return EMPTY_CHAIN;
  const tail = context.guards.endAfter(item);
  context.knownEnds.add(read.chain, tail);
  return tail;
}

async function putAfter(
  context: ChainContext,
  append: ChainAppend,
  end: ChainEnd,
): Promise<ChainAppendResult> {
  const { chain, commit } = append;
  const items = await withPlace(commit, end, placeAfter(end, chain, commit, context.runtime.now()));
  const sender = { ...append, commitId: commit.id };
  const refusal = await sendUntilCertain(context, sender, { puts: items, free: [] });
  if (refusal === undefined) {
    const written = endOf(end, commit, items);
    context.knownEnds.add(chain, written);
    return { kind: "written", first: end.version + 1, end: written };
  }
  const inTheWay = refusal.found.find((item) => item !== undefined) as ChainItem;
  const winnerEnd = context.guards.endAfter(inTheWay);
  context.knownEnds.add(chain, winnerEnd);
  return asDuplicate(context, append, inTheWay) ?? { ...refused(winnerEnd), winner: inTheWay };
}

/** A placed commit with what follows from its place. */
export async function withPlace(
  { atPlace }: PendingCommit,
  end: ChainEnd,
  items: readonly Item[],
): Promise<readonly Item[]> {
  const lastItem = items.at(-1);
  if (atPlace === undefined || lastItem === undefined) return items;
  const extra = await atPlace({ after: end.version, t: Number(lastItem["t"]?.N), lastItem });
  return extra ? [...items.slice(0, -1), { ...lastItem, ...extra }] : items;
}

/** Where a chain ends after a commit that was written as these items. */
export function endOf(end: ChainEnd, commit: PendingCommit, items: readonly Item[]): ChainEnd {
  const { closes = false } = commit;
  const { t, r = t } = items[0] ?? {};
  return {
    version: end.version + countOf(commit),
    t: Number(t?.N),
    recordedAt: Number(r?.N),
    closed: closes,
  };
}

export function asDuplicate(
  { guards }: ChainContext,
  { commit }: Pick<OwnCommit, "commit">,
  found: ChainItem,
): Duplicate | undefined {
  const slots = guards.findOwn(found, commit.id);
  return slots && { kind: "duplicate", slots, found };
}

/** What reading a chain needs, for one operation on it. */
export function readContext(
  context: ChainContext,
  operation: { readonly chain: string; readonly bill: Bill },
): ChainReadContext {
  const { storage, runtime, guards } = context;
  return { storage, runtime, guards, chain: operation.chain, bill: operation.bill };
}
