import type { Bill } from "../capacity/units.ts";
import type { Item } from "../capacity/item-size.ts";
import type { RefusedWrite } from "../conflict-errors.ts";
import { asDuplicate, type ChainContext, type Duplicate, endOf, readTail, withPlace } from "./chain.ts";
import { lookAtOnce } from "./look.ts";
import { OwnSearch } from "./own-search.ts";
import { type Refusal, sendUntilCertain } from "./send.ts";
import type { AlsoWrite, SlotKey } from "./storage.ts";
import {
  type ChainEnd,
  type ChainItem,
  type CommitPlace,
  countOf,
  EMPTY_CHAIN,
  encodeParts,
  type ExpectedVersion,
  type PendingCommit,
  placeAfter,
} from "./tiling.ts";
import { checkTransactionSize } from "./transaction-size.ts";
import { backoffMs } from "../runtime.ts";

/** A chain that takes part in a transaction: with a commit it is written to, without one it is only checked. */
export interface Participant {
  readonly chain: string;
  readonly expected: ExpectedVersion;
  readonly commit?: PendingCommit | undefined;
}

/** Commits to several chains, each of another one; all carry the same id. */
export interface ChainTransact {
  readonly commitId: Uint8Array;
  /** Whether the id is the caller's own, so that it may have been stored by an earlier call. */
  readonly ownCommitId: boolean;
  readonly participants: readonly Participant[];
  /** Writes to other tables, made with the commits or not at all. Default: none. */
  readonly also?: AlsoWrites | undefined;
  readonly bill: Bill;
  readonly signal?: AbortSignal | undefined;
}

/** Other writes, or what they are once the first of the commits has its place: asked anew for each place. */
export type AlsoWrites = readonly AlsoWrite[] | ((place: CommitPlace) => Promise<readonly AlsoWrite[]>);

/** An expectation that does not hold. */
export interface ChainConflict {
  readonly chain: string;
  readonly expected: ExpectedVersion;
  readonly end: ChainEnd;
  /** What took the place of a commit, where it was brought back. */
  readonly winner?: ChainItem | undefined;
}

export type ChainTransactResult =
  /** Where each commit went, in the order of the participants that were written to. */
  | {
      readonly kind: "written";
      readonly places: readonly { readonly first: number; readonly end: ChainEnd }[];
    }
  | Duplicate
  | { readonly kind: "conflict"; readonly conflicts: readonly ChainConflict[] }
  /** All expectations hold, but not the conditions of these other writes. */
  | { readonly kind: "refused"; readonly refused: readonly RefusedWrite[] };

/** Races for next slots that writes at "any" version may lose to other processes. */
const MAX_RACES = 1_000;
const RACE_BACKOFF = { baseMs: 5, maxMs: 250 };

/** What is known of a participant so far. */
export interface Stand extends Participant {
  readonly end: ChainEnd;
  /** Whether the end was looked at in this call; otherwise it is remembered or expected, for the write to find out. */
  readonly fresh: boolean;
  readonly winner?: ChainItem | undefined;
}

/**
 * Writes all commits in one transaction if every participant is where it is expected; otherwise none. When all are only
 * checked, they are looked at in one transaction.
 */
export async function transactOnChains(
  context: ChainContext,
  transact: ChainTransact,
): Promise<ChainTransactResult> {
  const own = new OwnSearch(context, transact);
  const before = await own.lookBack();
  if (before !== undefined) return before;
  let stands = await Promise.all(
    transact.participants.map(async (each) => own.standOf(each) ?? standOf(context, transact, each)),
  );
  for (let race = 0; race < MAX_RACES; race++) {
    if (!stands.every((stand) => holds(context, stand))) {
      return (await own.afterRefusal()) ?? (await describeConflicts(context, transact, stands));
    }
    const sent = await send(context, transact, stands);
    if (sent.kind !== "lost") return sent;
    ({ stands } = sent);
    if (!stands.every((stand) => holds(context, stand))) continue;
    const { refused, isTaken } = sent;
    // Writes for a place that was taken say nothing of those for the next.
    const isStale = isTaken && typeof transact.also === "function";
    // The transaction itself may be why, if an earlier call has stored it.
    if (refused.length > 0 && !isStale) return (await own.afterRefusal()) ?? { kind: "refused", refused };
    transact.bill.lostRaces += 1;
    await context.runtime.sleep(backoffMs(race, RACE_BACKOFF, context.runtime.random), transact.signal);
    // Every later commit is compared as well, so that an own one can't be stepped over.
    const duplicate = await own.lookBack();
    if (duplicate !== undefined) return duplicate;
    stands = stands.map((stand) => own.standOf(stand) ?? stand);
  }
  return { kind: "conflict", conflicts: stands.filter((stand) => stand.winner !== undefined) };
}

/** Where a participant is, by what the store knows, what the caller expects, or a read of its tail. */
async function standOf(
  context: ChainContext,
  { bill, signal }: ChainTransact,
  participant: Participant,
): Promise<Stand> {
  const { chain, expected, commit } = participant;
  const known = context.knownEnds;
  const at = (end: ChainEnd, fresh: boolean): Stand => ({ ...participant, end, fresh });
  if (expected === "any" && commit === undefined) return at(EMPTY_CHAIN, true);
  const latest = known.latest(chain);
  if (expected === "any" || expected === "streamExists") {
    return latest ? at(latest, false) : at(await readTail(context, { chain, bill, signal }), true);
  }
  const version = expected === "noStream" ? 0 : expected;
  // A later commit was seen: the condition would fail for certain, so no write unit is spent on it.
  if (latest !== undefined && latest.version > version) return at(latest, false);
  const end = version === 0 ? EMPTY_CHAIN : known.find(chain, version);
  if (end !== undefined) return at(end, false);
  return at(provenTail(context, await readTail(context, { chain, bill, signal }), version), true);
}

function provenTail({ guards }: ChainContext, tail: ChainEnd, version: number): ChainEnd {
  return guards.provesEnd(tail, version) ? { ...tail, version } : tail;
}

function holds({ guards }: ChainContext, { expected, end, commit }: Stand): boolean {
  if (commit !== undefined && !guards.isOpen(end)) return false;
  switch (expected) {
    case "any":
      return true;
    case "streamExists":
      return end.version > 0;
    default:
      return end.version === (expected === "noStream" ? 0 : expected);
  }
}

/**
 * Whether a check has to be part of the transaction. That a stream exists, or is closed where it is, stays true once it
 * was seen.
 */
function needsCheck({ expected, end, commit }: Stand): boolean {
  return commit === undefined && expected !== "any" && expected !== "streamExists" && !end.closed;
}

type Sent = Extract<ChainTransactResult, { readonly kind: "written" | "duplicate" }> | Lost;

/** Nothing was written. */
interface Lost {
  readonly kind: "lost";
  /** With what was in the way taken in. */
  readonly stands: Stand[];
  readonly refused: readonly RefusedWrite[];
  /** Whether something else was in the place of a commit or a check. */
  readonly isTaken: boolean;
}

async function send(context: ChainContext, transact: ChainTransact, stands: readonly Stand[]): Promise<Sent> {
  const written = stands.filter((stand) => stand.commit !== undefined);
  const checked = stands.filter(needsCheck);
  const nowMs = context.runtime.now();
  const parts = encodeParts(
    written.map(({ chain, end, commit }) => ({
      chain,
      first: end.version + 1,
      count: countOf(commit as PendingCommit),
    })),
  );
  const isAlone = written.length === 1;
  const items = await Promise.all(
    written.map(({ chain, end, commit }) => {
      const placed = placeAfter(end, chain, commit as PendingCommit, nowMs).map((item) =>
        isAlone ? item : { ...item, w: { S: parts } },
      );
      return withPlace(commit as PendingCommit, end, placed);
    }),
  );
  const free = checked.map(({ chain, end }): SlotKey => ({ chain, slot: end.version + 1 }));
  const also = await alsoAt(transact.also, written[0]?.end, items[0]?.at(-1));
  const transaction = { puts: items.flat(), free, also };
  checkTransactionSize(transaction);
  const refusal =
    written.length === 0
      ? await look(context, transact, free)
      : await sendUntilCertain(context, { ...transact, chain: String(written[0]?.chain) }, transaction);
  if (refusal === undefined) {
    const places = written.map(({ chain, end, commit }, index) => {
      const after = endOf(end, commit as PendingCommit, items[index] ?? []);
      context.knownEnds.add(chain, after);
      return { first: end.version + 1, end: after };
    });
    return { kind: "written", places };
  }
  // Which participant each put and check belongs to.
  const owners = [...written.flatMap((stand, index) => (items[index] ?? []).map(() => stand)), ...checked];
  return learn(context, transact, { ...refusal, stands, owners });
}

async function alsoAt(
  also: AlsoWrites | undefined,
  end: ChainEnd | undefined,
  lastItem: Item | undefined,
): Promise<readonly AlsoWrite[] | undefined> {
  if (typeof also !== "function") return also;
  if (end === undefined || lastItem === undefined) return undefined;
  return also({ after: end.version, t: Number(lastItem["t"]?.N), lastItem });
}

async function look(
  context: ChainContext,
  transact: ChainTransact,
  free: readonly SlotKey[],
): Promise<Refusal | undefined> {
  const found = await lookAtOnce(context, transact, free);
  return found && { found, refused: [] };
}

/** Takes in what was in the way. */
function learn(
  context: ChainContext,
  transact: ChainTransact,
  refusal: Refusal & {
    readonly stands: readonly Stand[];
    readonly owners: readonly Stand[];
  },
): Duplicate | Lost {
  const { stands, owners, found, refused } = refusal;
  const winners = new Map<string, ChainItem>();
  for (const [index, item] of found.entries()) {
    const owner = owners[index];
    if (item === undefined || owner === undefined) continue;
    const duplicate = owner.commit && asDuplicate(context, { commit: { id: transact.commitId } }, item);
    if (duplicate !== undefined) return duplicate;
    context.knownEnds.add(owner.chain, context.guards.endAfter(item));
    winners.set(owner.chain, winners.get(owner.chain) ?? item);
  }
  return {
    kind: "lost",
    refused,
    isTaken: winners.size > 0,
    stands: stands.map((stand) => {
      const winner = winners.get(stand.chain);
      if (winner !== undefined)
        return { ...stand, end: context.guards.endAfter(winner), fresh: true, winner };
      return { ...stand, fresh: stand.fresh || owners.some((owner) => owner.chain === stand.chain) };
    }),
  };
}

/** All expectations that do not hold, those included that were not looked at so far. */
async function describeConflicts(
  context: ChainContext,
  { bill, signal }: ChainTransact,
  stands: readonly Stand[],
): Promise<ChainTransactResult> {
  const now = await Promise.all(
    stands.map(async (stand): Promise<Stand> => {
      // The first commit of a stream that should not be there says little about where the stream is.
      const isFirst = stand.winner?.first === 1;
      if (stand.fresh && !isFirst) return stand;
      return { ...stand, end: await readTail(context, { chain: stand.chain, bill, signal }) };
    }),
  );
  return { kind: "conflict", conflicts: now.filter((stand) => !holds(context, stand)) };
}
