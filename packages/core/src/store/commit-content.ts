import { deflateRawSync, inflateRawSync } from "node:zlib";
import { type Item, itemSize } from "../capacity/item-size.ts";
import { writeUnits } from "../capacity/units.ts";
import { type ChainItem, commitsIn, type CommitPart, type CommitSlots } from "../chain/tiling.ts";
import { IntegrityError } from "../errors.ts";
import { EventTooLargeError } from "../input-errors.ts";
import type { EventMetadata } from "../events.ts";
import { MAX_TRANSACTION_ACTIONS, MAX_TRANSACTION_BYTES } from "../limits.ts";
import { readEntry, type StoredEvent } from "./stored-event.ts";

/**
 * How events become the content of a commit's items and back. `docs/format.md` describes the stored form; what
 * is written there stays readable for ever.
 *
 * A commit is a list of entries in JSON text, one for each event: `stored-event.ts` has their forms.
 */

/** The tag in `f` of bodies that are raw deflate of the JSON text; without `f`, `e` is the text itself. */
const DEFLATE = "1";

/** Names and values of all attributes of an item but `e`, `x`, `g`, `b` and the stream's name, at their largest. */
const ENVELOPE_BYTES = 96;

/** An event to be packed. */
export interface PackedEvent {
  /** Its entry in `e`: JSON text. */
  readonly text: string;
  /** What goes into the list `b`, for an entry that says so. */
  readonly body?: Uint8Array | undefined;
}

export interface CommitContent {
  readonly streamId: string;
  readonly events: readonly PackedEvent[];
  /** The metadata shared by all events as JSON text. */
  readonly metadata?: string | undefined;
  /** The attribute `g`, when the commits of a group are put together. */
  readonly group?: Uint8Array | undefined;
  /** Bytes that each item has to have room for besides. */
  readonly reservedBytes?: number | undefined;
  /** The largest item allowed, in bytes. */
  readonly maxItemBytes: number;
}

/**
 * Packs a commit into one item, or into as few of about the same size as it takes. Bodies are compressed
 * when that saves a write unit or lets them fit.
 *
 * @throws EventTooLargeError when an event exceeds an item, or the commit a transaction.
 */
export function packCommit(commit: CommitContent): CommitPart[] {
  const parts = packRange(commit, 0, commit.events.length);
  const sizes = parts.map((part) => part.bytes);
  const bytes = sizes.reduce((total, size) => total + size, 0);
  const refuse = (size: number, limit: number, limitOf: "transaction" | "actions"): never => {
    throw new EventTooLargeError({ streamId: commit.streamId, size, limit, limitOf });
  };
  if (bytes > MAX_TRANSACTION_BYTES) refuse(bytes, MAX_TRANSACTION_BYTES, "transaction");
  if (parts.length > MAX_TRANSACTION_ACTIONS) refuse(parts.length, MAX_TRANSACTION_ACTIONS, "actions");
  return parts;
}

/** Bytes that a character of JSON text has at most. */
const MAX_CHARACTER_BYTES = 3;

/** Whether an event of a commit fits an item, by itself at least. */
export function fitsItem(commit: CommitContent, index: number): boolean {
  const { text = "", body } = commit.events[index] ?? {};
  const characters = text.length + 2 * commit.streamId.length + (commit.metadata?.length ?? 0);
  const most = MAX_CHARACTER_BYTES * characters + (body?.byteLength ?? 0) + 2 * ENVELOPE_BYTES;
  // The sum tells of nearly all events; only of the others the exact size is needed.
  return most <= commit.maxItemBytes || packPart(commit, index, index + 1).bytes <= commit.maxItemBytes;
}

interface SizedPart extends CommitPart {
  readonly bytes: number;
}

function packRange(commit: CommitContent, from: number, to: number): SizedPart[] {
  const part = packPart(commit, from, to);
  const { streamId, maxItemBytes: limit } = commit;
  if (part.bytes <= limit) return [part];
  if (to - from === 1) {
    throw new EventTooLargeError({ streamId, size: part.bytes, limit, limitOf: "item", eventIndex: from });
  }
  const middle = middleOf(commit.events, from, to);
  return [...packRange(commit, from, middle), ...packRange(commit, middle, to)];
}

/** Where to cut a range of events so that both halves have about the same length; neither is empty. */
function middleOf(events: readonly PackedEvent[], from: number, to: number): number {
  const lengths = events.slice(from, to).map(({ text, body }) => text.length + (body?.byteLength ?? 0));
  const half = lengths.reduce((total, length) => total + length, 0) / 2;
  let before = 0;
  let middle = from;
  while (middle < to - 1 && (middle === from || before + (lengths[middle - from] ?? 0) / 2 < half)) {
    before += lengths[middle - from] ?? 0;
    middle++;
  }
  return middle;
}

function packPart(commit: CommitContent, from: number, to: number): SizedPart {
  const events = commit.events.slice(from, to);
  const text = `[${events.map((event) => event.text).join(",")}]`;
  const bodies = events.flatMap(({ body }) => (body === undefined ? [] : [{ B: body }]));
  const common: Item = {
    ...(bodies.length === 0 ? undefined : { b: { L: bodies } }),
    ...(commit.metadata === undefined ? undefined : { x: { S: commit.metadata } }),
    ...(commit.group === undefined ? undefined : { g: { B: commit.group } }),
  };
  const around =
    ENVELOPE_BYTES +
    (commit.reservedBytes ?? 0) +
    2 * Buffer.byteLength(commit.streamId) +
    (commit.metadata === undefined ? 0 : Buffer.byteLength(commit.metadata)) +
    (commit.group?.byteLength ?? 0) +
    (bodies.length === 0 ? 0 : itemSize({ b: { L: bodies } }));
  const count = to - from;
  if (count === 0) return { count, bytes: around, content: common };
  const plainBytes = around + Buffer.byteLength(text);
  if (writeUnits(plainBytes) > 1) {
    const packed = deflate(text);
    const bytes = around + packed.byteLength;
    if (writeUnits(bytes) < writeUnits(plainBytes)) {
      return { count, bytes, content: { ...common, e: { B: packed }, f: { N: DEFLATE } } };
    }
  }
  return { count, bytes: plainBytes, content: { ...common, e: { S: text } } };
}

/** Above this, zlib's own defaults; below, it would spend more on clearing its tables than on the text. */
const SMALL_TEXT = 16 * 1024;

function deflate(text: string): Buffer {
  if (text.length > SMALL_TEXT) return deflateRawSync(text);
  return deflateRawSync(text, { windowBits: Math.max(9, Math.ceil(Math.log2(text.length))), memLevel: 5 });
}

/** What an item holds of one commit: all of it, unless the commit takes several items. */
export interface CommitSlice {
  readonly slots: CommitSlots;
  /** The version of the slice's first event. */
  readonly first: number;
  readonly events: readonly StoredEvent[];
  /** The metadata that all events of the commit share. */
  readonly metadata: EventMetadata | undefined;
}

/**
 * What an item holds, commit by commit.
 *
 * @throws IntegrityError when it can't be read, or holds another number of events than the item's slots.
 */
export function unpackCommits(chainItem: ChainItem): CommitSlice[] {
  const { item, first, last } = chainItem;
  const isTruncated = chainItem.truncatedBefore !== undefined;
  const entries = isTruncated || last < first ? [] : parseEntries(chainItem);
  const metadata = parseMetadata(chainItem);
  return sliceCommits(chainItem, { entries, bodies: bodiesOf(item), metadata });
}

/**
 * What was stored in an item's slots, commit by commit.
 *
 * @throws IntegrityError as `unpackCommits`.
 */
export function sliceCommits(
  chainItem: ChainItem,
  {
    entries,
    bodies,
    metadata,
  }: {
    readonly entries: readonly unknown[];
    readonly bodies: Iterator<Uint8Array, undefined>;
    readonly metadata: EventMetadata | undefined;
  },
): CommitSlice[] {
  const { item, first, last } = chainItem;
  const chain = String(item["p"]?.S);
  const isTruncated = chainItem.truncatedBefore !== undefined;
  const stored: StoredEvent[] = [];
  for (const entry of entries) {
    const event = readEntry(entry, bodies);
    if (event === undefined) throw unreadable(chain, first, "an event has a form");
    stored.push(event);
  }
  if (!isTruncated && stored.length !== last - first + 1) {
    throw new IntegrityError(chain, first, `${stored.length} events are stored in slots ${first} to ${last}`);
  }
  const commits = commitsIn(chainItem);
  const [only] = commits;
  if (commits.length === 1 && only !== undefined) {
    return [{ slots: only, first: Math.max(only.first, first), events: stored, metadata }];
  }
  return commits.map((slots) => {
    const from = Math.max(slots.first, first);
    return { slots, first: from, events: stored.slice(from - first, slots.last - first + 1), metadata };
  });
}

const NO_BODIES: Iterator<Uint8Array, undefined> = { next: () => ({ done: true, value: undefined }) };

/** The bodies in `b`, in the order of the entries that they belong to. */
function bodiesOf(item: Item): Iterator<Uint8Array, undefined> {
  const bodies = item["b"]?.L;
  if (bodies === undefined) return NO_BODIES;
  return bodies.flatMap(({ B: body }) => (body === undefined ? [] : [body])).values();
}

function parseMetadata({ item, first }: ChainItem): EventMetadata | undefined {
  const text = item["x"]?.S;
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as EventMetadata;
  } catch (error) {
    throw new IntegrityError(String(item["p"]?.S), first, "its metadata can't be decoded", { cause: error });
  }
}

/**
 * The entries of an item, whatever their forms are.
 *
 * @throws IntegrityError when they can't be read.
 */
export function parseEntries(chainItem: ChainItem): readonly unknown[] {
  const { item, first } = chainItem;
  const streamId = String(item["p"]?.S);
  try {
    const text = textOf(item);
    if (text !== undefined) return JSON.parse(text) as unknown[];
  } catch (error) {
    throw new IntegrityError(streamId, first, "its events can't be decoded", { cause: error });
  }
  throw unreadable(streamId, first, `its events have format ${item["f"]?.N ?? "0"}`);
}

function textOf(item: Item): string | undefined {
  const format = item["f"]?.N;
  const body = item["e"];
  if (format === undefined) return body?.S;
  return format === DEFLATE && body?.B !== undefined ? inflateRawSync(body.B).toString("utf8") : undefined;
}

/** The entries of an item as JSON text, as they are; undefined when they can't be read. */
export function entriesText({ item, first, last }: ChainItem): string | undefined {
  try {
    const text = textOf(item);
    const entries: unknown = text === undefined ? undefined : JSON.parse(text);
    return Array.isArray(entries) && entries.length === last - first + 1 ? text : undefined;
  } catch {
    // Whoever reads the stream is told what is wrong with it.
    return undefined;
  }
}

function unreadable(chain: string, slot: number, what: string): IntegrityError {
  return new IntegrityError(chain, slot, `${what}, which this release can't read`);
}
