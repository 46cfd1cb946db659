import { itemSize, type Item } from "../capacity/item-size.ts";
import { type Bill, writeUnits } from "../capacity/units.ts";
import { formatCommitId } from "../commit-id.ts";
import { OutcomeUnknownError } from "../errors.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import type { KnownEnds } from "./known-ends.ts";
import { type ChainReadContext, LAST_SLOT, lastItemUpTo, readChain } from "./read-chain.ts";
import { type ChainStorage, UncertainWriteError } from "./storage.ts";
import {
  type ChainEnd,
  type ChainGuards,
  type ChainItem,
  type CommitSlots,
  EMPTY_CHAIN,
  type ExpectedVersion,
  type PendingCommit,
  placeAfter,
  readSlots,
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

export type ChainAppendResult =
  | { readonly kind: "written"; readonly first: number; readonly end: ChainEnd }
  /** An earlier attempt had stored it. */
  | { readonly kind: "duplicate"; readonly slots: CommitSlots; readonly found: ChainItem }
  | { readonly kind: "conflict"; readonly actual: number; readonly winner?: ChainItem | undefined };

/** Writes to one uncertain outcome, the first included. */
const MAX_SENDS = 4;
const RESEND_BACKOFF = { baseMs: 25, maxMs: 1_000 };

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
  if (known !== undefined) {
    const latest = knownEnds.latest(append.chain);
    // A later commit was seen: the condition would fail for certain, so no write unit is spent on it.
    if (latest !== undefined && latest.version > version && !append.ownCommitId) {
      return { kind: "conflict", actual: latest.version };
    }
    return putAfter(context, append, known);
  }
  const tail = await readTail(context, append);
  if (guards.provesEnd(tail, version)) return putAfter(context, append, { ...tail, version });
  if (append.ownCommitId && tail.version > version) {
    const next = await lastItemUpTo(readContext(context, append), version + 1, append.signal);
    const duplicate = next && asDuplicate(context, append, next);
    if (duplicate !== undefined) return duplicate;
  }
  return { kind: "conflict", actual: tail.version };
}

async function appendToNew(context: ChainContext, append: ChainAppend): Promise<ChainAppendResult> {
  const isKnown = context.knownEnds.latest(append.chain) !== undefined && !append.ownCommitId;
  const result: ChainAppendResult = isKnown
    ? { kind: "conflict", actual: 0 }
    : await putAfter(context, append, EMPTY_CHAIN);
  if (result.kind !== "conflict") return result;
  const tail = await readTail(context, append);
  return { ...result, actual: Math.max(tail.version, result.actual) };
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
  if (append.expected === "streamExists" && end.version === 0) return { kind: "conflict", actual: 0 };
  for (let race = 0; race < MAX_RACES; race++) {
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
  return { kind: "conflict", actual: end.version };
}

/** Looks for a commit of the caller's own id from the tail down to an end: as many pages as there are between. */
async function lookBack(
  context: ChainContext,
  append: ChainAppend,
  end: ChainEnd,
): Promise<{ readonly duplicate?: ChainAppendResult; readonly tail: ChainEnd }> {
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
async function readTail(
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
  const items = placeAfter(end, chain, commit, context.runtime.now());
  const inTheWay = await putUntilCertain(context, append, items);
  if (inTheWay === undefined) {
    const written: ChainEnd = { version: end.version + countOf(commit), t: Number(items[0]?.["t"]?.N) };
    context.knownEnds.add(chain, written);
    return { kind: "written", first: end.version + 1, end: written };
  }
  const winnerEnd = context.guards.endAfter(inTheWay);
  context.knownEnds.add(chain, winnerEnd);
  const conflict = { kind: "conflict", actual: winnerEnd.version, winner: inTheWay } as const;
  return asDuplicate(context, append, inTheWay) ?? conflict;
}

function asDuplicate(
  context: ChainContext,
  append: ChainAppend,
  found: ChainItem,
): ChainAppendResult | undefined {
  const slots = context.guards.findOwn(found, append.commit.id);
  return slots && { kind: "duplicate", slots, found };
}

function countOf(commit: PendingCommit): number {
  return commit.parts.reduce((count, part) => count + part.count, 0);
}

/**
 * Sends the same items again when a reply is lost: they can't be stored twice, and if they were stored the
 * first time, they come back as the item in the way.
 */
async function putUntilCertain(
  context: ChainContext,
  append: ChainAppend,
  items: readonly Item[],
): Promise<ChainItem | undefined> {
  const { storage, runtime } = context;
  let mayBeWritten = false;
  for (let send = 1; ; send++) {
    try {
      const inTheWay = await putAll(storage, items, append.signal);
      append.bill.addWrite(unitsOf(items, inTheWay));
      return inTheWay && readSlots(inTheWay);
    } catch (error) {
      append.bill.addWrite(unitsOf(items, undefined));
      const isUncertain = error instanceof UncertainWriteError;
      mayBeWritten ||= isUncertain && error.mayBeWritten;
      if (!isUncertain || send >= MAX_SENDS) {
        const cause = isUncertain ? error.cause : error;
        // A refusal says nothing about an earlier send whose reply was lost. Giving up is the caller's own wish.
        if (!mayBeWritten || append.signal?.aborted) throw cause;
        throw new OutcomeUnknownError(append.chain, formatCommitId(append.commit.id), { cause });
      }
      await runtime.sleep(backoffMs(send, RESEND_BACKOFF, runtime.random), append.signal);
      append.bill.resends += 1;
    }
  }
}

async function putAll(
  storage: ChainStorage,
  items: readonly Item[],
  signal: AbortSignal | undefined,
): Promise<Item | undefined> {
  const [only, ...more] = items;
  if (only !== undefined && more.length === 0) return storage.putNew(only, signal);
  const found = await storage.transact({ puts: items, free: [] }, signal);
  return found?.find((item) => item !== undefined);
}

/**
 * Write units of a put. The index of streams costs one more where an item appears in it: at the first item of
 * a stream. A refused put costs the larger of the refused item and the one in its way.
 */
function unitsOf(items: readonly Item[], inTheWay: Item | undefined): number {
  const transaction = items.length > 1;
  return items.reduce((units, item) => {
    const bytes = Math.max(itemSize(item), inTheWay ? itemSize(inTheWay) : 0);
    const { p, s, c } = item;
    const indexed = p && s && c && !inTheWay ? writeUnits(itemSize({ p, s, c })) : 0;
    return units + writeUnits(bytes, { transaction }) + indexed;
  }, 0);
}

/** What reading a chain needs, for one operation on it. */
export function readContext(
  context: ChainContext,
  operation: { readonly chain: string; readonly bill: Bill },
): ChainReadContext {
  const { storage, runtime, guards } = context;
  return { storage, runtime, guards, chain: operation.chain, bill: operation.bill };
}
