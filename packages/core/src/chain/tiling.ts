import type { Item } from "../capacity/item-size.ts";
import { sameCommitId } from "../commit-id.ts";

/**
 * The pure rules of a chain: its items tile the numbers 1, 2, 3 … without a gap or an overlap, because a slot
 * is written only after a commit that ends right before it was seen. `docs/chain.md` has the argument.
 */

/** Where an append expects a stream to be. A number is the version of the last event seen; 0 is "no stream". */
export type ExpectedVersion = number | "any" | "noStream" | "streamExists";

/** An item of a chain with its slots read. A commit is one item, or several that one transaction wrote. */
export interface ChainItem {
  readonly item: Item;
  /** The slot of its first event. */
  readonly first: number;
  /** The slot of its last event. */
  readonly last: number;
  /** Of the whole commit. */
  readonly commitFirst: number;
  /** Of the whole commit: what the stream's version was after it. */
  readonly commitLast: number;
  /** Id of the commit, or of the first one when a group commit put several into the item. */
  readonly commitId: Uint8Array;
  /** Epoch milliseconds of the commit. */
  readonly t: number;
  /** Epoch milliseconds of when its events were recorded: `t`, or before it in a commit that came from another store. */
  readonly recordedAt: number;
  /** Whether nothing follows: the commit closed its stream. */
  readonly closed: boolean;
  /** When the stream was truncated and the item's events are gone: the first version that was kept. */
  readonly truncatedBefore: number | undefined;
}

/** The slots of one commit; `last` is before `first` in one that only closes its stream. */
export interface CommitSlots {
  readonly commitId: Uint8Array;
  readonly first: number;
  readonly last: number;
  /** How many events of the same transaction are in commits to other streams before it. */
  readonly offset: number;
}

/** Proof that a commit ends at `version`: it was seen. The next slot may be written after it. */
export interface ChainEnd {
  readonly version: number;
  /** Epoch milliseconds of the commit that ends here; undefined at the empty chain's end. */
  readonly t: number | undefined;
  /** Epoch milliseconds of when its events were recorded. Absent: `t`. */
  readonly recordedAt?: number | undefined;
  /** Whether that commit closed the stream, so that nothing may be written after it. */
  readonly closed: boolean;
}

/** Every chain ends at 0 before its first commit. */
export const EMPTY_CHAIN: ChainEnd = { version: 0, t: undefined, closed: false };

/** Reads an item's slots. */
export function readSlots(item: Item): ChainItem {
  const first = numberOf(item, "s");
  const count = numberOf(item, "n", 1);
  const commitFirst = first - numberOf(item, "o", 0);
  const commitId = item["i"]?.B;
  const t = numberOf(item, "t");
  if (commitId === undefined) throw new TypeError("An item of a chain has no commit id.");
  return {
    item,
    first,
    last: first + count - 1,
    commitFirst,
    commitLast: commitFirst + numberOf(item, "m", count) - 1,
    commitId,
    t,
    recordedAt: numberOf(item, "r", t),
    closed: item["k"] !== undefined,
    truncatedBefore: item["d"] === undefined ? undefined : numberOf(item, "d"),
  };
}

function numberOf(item: Item, attribute: string, absent?: number): number {
  const text = item[attribute]?.N;
  const value = text === undefined ? absent : Number(text);
  if (value === undefined || !Number.isSafeInteger(value)) {
    throw new TypeError(`An item of a chain has no usable attribute ${attribute}: ${text}.`);
  }
  return value;
}

/** In `g`, each commit of a group is its id (16 bytes) and the number of its events (4 bytes, big-endian). */
export const GROUP_ENTRY_BYTES = 20;
const ID_BYTES = 16;

/** The attribute `g` of an item that holds the commits of a group. */
export function encodeGroup(
  commits: readonly { readonly id: Uint8Array; readonly count: number }[],
): Uint8Array {
  const bytes = new Uint8Array(commits.length * GROUP_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, commit] of commits.entries()) {
    bytes.set(commit.id, index * GROUP_ENTRY_BYTES);
    view.setUint32(index * GROUP_ENTRY_BYTES + ID_BYTES, commit.count);
  }
  return bytes;
}

/** The commits in an item: one, unless a group commit put several into it. */
export function commitsIn(item: ChainItem): CommitSlots[] {
  const group = item.item["g"]?.B;
  if (group === undefined) {
    const offset = item.item["w"] === undefined ? 0 : offsetIn(partsOf(item), item);
    return [{ commitId: item.commitId, first: item.commitFirst, last: item.commitLast, offset }];
  }
  const view = new DataView(group.buffer, group.byteOffset, group.byteLength);
  const commits: CommitSlots[] = [];
  let first = item.first;
  for (let at = 0; at < group.byteLength; at += GROUP_ENTRY_BYTES) {
    const last = first + view.getUint32(at + ID_BYTES) - 1;
    commits.push({ commitId: group.subarray(at, at + ID_BYTES), first, last, offset: 0 });
    first = last + 1;
  }
  return commits;
}

/** One stream's commit of a transaction over several. */
export interface TransactionPart {
  readonly chain: string;
  readonly first: number;
  readonly count: number;
}

/** The attribute `w`, by which each part of a transaction names all of them. */
export function encodeParts(parts: readonly TransactionPart[]): string {
  return JSON.stringify(parts.map(({ chain, first, count }) => [chain, first, count]));
}

/** The parts of the transaction over several streams that the item belongs to, in their order; empty if it belongs to none. */
export function partsOf(item: ChainItem): TransactionPart[] {
  const text = item.item["w"]?.S;
  if (text === undefined) return [];
  return (JSON.parse(text) as [string, number, number][]).map(([chain, first, count]) => ({
    chain,
    first,
    count,
  }));
}

function offsetIn(parts: readonly TransactionPart[], item: ChainItem): number {
  const own = parts.findIndex((part) => part.chain === item.item["p"]?.S);
  return parts.slice(0, Math.max(own, 0)).reduce((count, part) => count + part.count, 0);
}

/** The part of a commit that goes into one item: its content, without keys, slots and times. */
export interface CommitPart {
  /** How many events it holds. */
  readonly count: number;
  readonly content: Item;
}

/** A commit that waits for its place in a chain. */
export interface PendingCommit {
  readonly id: Uint8Array;
  /** One, or several that are written in one transaction. */
  readonly parts: readonly CommitPart[];
  /** Attributes that only the first item of a chain carries. */
  readonly chainContent?: Item | undefined;
  /** Epoch milliseconds. Default: now. */
  readonly t?: number | undefined;
  /** Epoch milliseconds of when its events were recorded, for one that comes from another store. Default: `t`. */
  readonly recordedAt?: number | undefined;
  /** Whether nothing may follow it. */
  readonly closes?: boolean | undefined;
  /** Attributes for the last item which follow from where the commit goes. */
  readonly atPlace?: ((place: CommitPlace) => Promise<Item | undefined>) | undefined;
}

/** Where a commit is about to be written. */
export interface CommitPlace {
  /** The version before it. */
  readonly after: number;
  /** Epoch milliseconds of the commit. */
  readonly t: number;
  /** Its last item so far. */
  readonly lastItem: Item;
}

/** How many events a commit has. */
export function countOf(commit: PendingCommit): number {
  return commit.parts.reduce((count, part) => count + part.count, 0);
}

/** The items of a commit in the slots right after `end`. */
export function placeAfter(end: ChainEnd, chain: string, commit: PendingCommit, nowMs: number): Item[] {
  // Times never go back within a chain, whatever the clocks of its writers do.
  const t = Math.max(commit.t ?? nowMs, end.t ?? 0);
  const recordedAt = Math.min(t, Math.max(commit.recordedAt ?? t, end.recordedAt ?? 0));
  const total = countOf(commit);
  let offset = 0;
  return commit.parts.map((part) => {
    const slot = end.version + 1 + offset;
    const before = offset === 0 ? end.t : t;
    const item: Item = {
      p: { S: chain },
      s: { N: String(slot) },
      ...(part.count === 1 ? undefined : { n: { N: String(part.count) } }),
      i: { B: commit.id },
      t: { N: String(t) },
      ...(before === undefined ? undefined : { u: { N: String(before) } }),
      ...(recordedAt === t ? undefined : { r: { N: String(recordedAt) } }),
      ...(offset === 0 ? undefined : { o: { N: String(offset) } }),
      ...(part.count === total ? undefined : { m: { N: String(total) } }),
      ...(commit.closes ? { k: { BOOL: true } } : undefined),
      ...(slot === 1 ? commit.chainContent : undefined),
      ...part.content,
    };
    offset += part.count;
    return item;
  });
}

/**
 * The guards of the protocol, as one value: tests switch them off one by one to see that each is needed.
 */
export interface ChainGuards {
  /** Where the item holds the very commit that is to be written: an earlier attempt, whose reply was lost. */
  readonly findOwn: (item: ChainItem, commitId: Uint8Array) => CommitSlots | undefined;
  /** Where the chain ends after the commit that won the slot. */
  readonly endAfter: (winner: ChainItem) => ChainEnd;
  /** Whether the chain may be continued at a version that nobody has seen a commit end at, given its tail. */
  readonly provesEnd: (tail: ChainEnd, version: number) => boolean;
  /** Whether a commit with an id of the caller's own has to be looked for before it is written. */
  readonly looksBack: boolean;
  /** Whether anything may be written after an end. */
  readonly isOpen: (end: ChainEnd) => boolean;
  /** Whether a slot that a page lacks is read by itself, so that no reader sees half of a transaction. */
  readonly fillsHoles: boolean;
}

/** All of them on: a chain is whole with these only. */
export const CHAIN_GUARDS: ChainGuards = {
  findOwn: (item, commitId) => commitsIn(item).find((commit) => sameCommitId(commit.commitId, commitId)),
  endAfter: ({ commitLast: version, t, recordedAt, closed }) => ({ version, t, recordedAt, closed }),
  provesEnd: (tail, version) => tail.version === version,
  looksBack: true,
  isOpen: (end) => !end.closed,
  fillsHoles: true,
};
