import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { type Item, itemSize } from "../capacity/item-size.ts";
import { writeUnits } from "../capacity/units.ts";
import { type ChainItem, type CommitPart, partsOf } from "../chain/tiling.ts";
import { commitIdOf, timeOfCommitId } from "../commit-id.ts";
import { IntegrityError } from "../errors.ts";
import type { EventMetadata } from "../events.ts";
import { entriesText } from "../store/commit-content.ts";

/**
 * How the log keeps commits: a page is one item that holds many, compressed together, so that replaying it takes no
 * look-ups. `docs/format.md` describes the stored form; what is written there stays readable for ever.
 */

/** The chain of the global log. */
export const LOG = "$all";

/** The tag in `f` of a page that is brotli of the JSON text; without `f`, `e` is the text itself. */
const BROTLI = "2";

/** The text of a page at most, in characters, unless one commit has more: with 500 B an event, about 1,000 events. */
const PAGE_CHARACTERS = 512 * 1024;

/** In `j`, of each commit id the bytes behind its time. */
const ID_REST_BYTES = 10;

/** Names and values of all attributes of a page but `e`, `f`, `b` and `j`, at their largest. */
const ENVELOPE_BYTES = 96;

/** The items that one append or transaction put: the log never tells a part of it without the rest. */
export type LogUnit = readonly ChainItem[];

/** Units on their way into one page. */
export interface PackedPage {
  readonly units: readonly LogUnit[];
  readonly part: CommitPart;
}

/** Packs units into as many pages as they take, in their order. Whatever they hold, they fit. */
export function packPages(units: readonly LogUnit[], maxItemBytes: number): PackedPage[] {
  const pages: PackedPage[] = [];
  let from = 0;
  while (from < units.length) {
    const to = endOfPage(units, from);
    pages.push(...packUnits(units.slice(from, to), maxItemBytes));
    from = to;
  }
  return pages;
}

function endOfPage(units: readonly LogUnit[], from: number): number {
  let characters = 0;
  let to = from;
  while (to < units.length) {
    for (const item of units[to] ?? []) characters += roughCharacters(item);
    if (to > from && characters > PAGE_CHARACTERS) break;
    to++;
  }
  return to;
}

/** About how long an item is in a page, before it is looked at: text that is compressed grows about fourfold. */
function roughCharacters({ item }: ChainItem): number {
  const { S: text = "", B: bytes } = item["e"] ?? {};
  return text.length + 4 * (bytes?.byteLength ?? 0) + 64;
}

function packUnits(units: readonly LogUnit[], maxItemBytes: number): PackedPage[] {
  const slices = units.flat().map((item) => writeSlice(item));
  const part = packSlices(slices, maxItemBytes);
  if (part !== undefined) return [{ units, part }];
  if (units.length === 1) return [{ units, part: packWithReferences(slices, maxItemBytes) }];
  const middle = units.length >>> 1;
  return [
    ...packUnits(units.slice(0, middle), maxItemBytes),
    ...packUnits(units.slice(middle), maxItemBytes),
  ];
}

/** What does not fit is named, the largest first, and read from its stream: a page is always one item. */
function packWithReferences(slices: readonly WrittenSlice[], maxItemBytes: number): CommitPart {
  const largestFirst = slices
    .map((slice, index) => ({ index, bytes: slice.entries.length + bytesOf(slice.bodies) }))
    .toSorted((one, other) => other.bytes - one.bytes);
  const packWith = (references: number): CommitPart | undefined => {
    const inOrder = [...slices];
    for (const { index } of largestFirst.slice(0, references)) {
      inOrder[index] = referenceTo((slices[index] as WrittenSlice).source);
    }
    return packSlices(inOrder, maxItemBytes);
  };
  let part = packWith(slices.length);
  // The fewest that do, by halves: compressing megabytes takes a while.
  let tooFew = 0;
  let enough = slices.length;
  while (enough - tooFew > 1) {
    const middle = (tooFew + enough) >>> 1;
    const packed = packWith(middle);
    if (packed === undefined) {
      tooFew = middle;
    } else {
      enough = middle;
      part = packed;
    }
  }
  if (part === undefined) {
    throw new RangeError(`${slices.length} names of commits do not fit ${maxItemBytes} bytes.`);
  }
  return part;
}

/** A source item as it is written into a page. */
interface WrittenSlice {
  readonly source: ChainItem;
  /** JSON text. */
  readonly entries: string;
  readonly extras: SliceExtras;
  readonly bodies: readonly Uint8Array[];
}

function writeSlice(source: ChainItem): WrittenSlice {
  const entries = entriesText(source);
  const metadata = metadataOf(source);
  // Nobody could read it: the page names it, and whoever reads it is told.
  if (entries === undefined || metadata === undefined) return referenceTo(source);
  const bodies = (source.item["b"]?.L ?? []).flatMap(({ B: body }) => (body === undefined ? [] : [body]));
  const extras: SliceExtras = {
    ...extrasOf(source),
    ...metadata,
    ...(bodies.length === 0 ? undefined : { b: bodies.length }),
  };
  return { source, entries, extras, bodies };
}

/** The metadata of all events, if there is any; undefined when it can't be read. */
function metadataOf({ item }: ChainItem): Pick<SliceExtras, "x"> | undefined {
  const text = item["x"]?.S;
  if (text === undefined) return {};
  try {
    return { x: JSON.parse(text) as EventMetadata };
  } catch {
    // Whoever reads the stream is told what is wrong with it.
    return undefined;
  }
}

function referenceTo(source: ChainItem): WrittenSlice {
  const extras = { ...extrasOf(source), n: source.last - source.first + 1 };
  return { source, entries: "null", extras, bodies: [] };
}

/** What a slice says besides; a name that is absent has the default of the attribute it is copied from. */
interface SliceExtras {
  /** Metadata of all events. */
  readonly x?: EventMetadata;
  /** Of how many events the bodies are the next in `b`. */
  readonly b?: number;
  /** How many events it has: where there are no entries to be counted. */
  readonly n?: number;
  readonly r?: number;
  readonly o?: number;
  readonly m?: number;
  /** Base64. */
  readonly g?: string;
  readonly w?: readonly (readonly [string, number, number])[];
}

function extrasOf(source: ChainItem): SliceExtras {
  const { item, first, last, commitFirst, commitLast, t, recordedAt } = source;
  const parts = partsOf(source);
  const group = item["g"]?.B;
  return {
    ...(recordedAt === t ? undefined : { r: recordedAt }),
    ...(first === commitFirst ? undefined : { o: first - commitFirst }),
    ...(last - first === commitLast - commitFirst ? undefined : { m: commitLast - commitFirst + 1 }),
    ...(group === undefined ? undefined : { g: Buffer.from(group).toString("base64") }),
    ...(parts.length === 0 ? undefined : { w: parts.map((part) => [part.chain, part.first, part.count]) }),
  };
}

/**
 * `[stream, first version, t, age of the commit's id, entries]`, or with what only some commits have behind it: `t` less that of
 * the slice before, and by how much the id's time is before `t`, mostly nothing. The rest of the id is random: among text
 * that is to be compressed it would take as much again.
 */
function sliceText({ source, entries, extras }: WrittenSlice, before: number): string {
  const { item, first, t, commitId } = source;
  const more = JSON.stringify(extras);
  const tail = more === "{}" ? "" : `,${more}`;
  const age = t - timeOfCommitId(commitId);
  return `[${JSON.stringify(item["p"]?.S)},${first},${t - before},${age},${entries}${tail}]`;
}

/** The slices as the content of one item; undefined when they don't fit. */
function packSlices(slices: readonly WrittenSlice[], maxItemBytes: number): CommitPart | undefined {
  const texts = slices.map((slice, index) => sliceText(slice, slices[index - 1]?.source.t ?? 0));
  const text = `[${texts.join(",")}]`;
  const bodies = slices.flatMap((slice) => slice.bodies);
  const apart: Item = {
    j: { B: Buffer.concat(slices.map(({ source }) => source.commitId.subarray(-ID_REST_BYTES))) },
    ...(bodies.length === 0 ? undefined : { b: { L: bodies.map((body) => ({ B: body })) } }),
  };
  const around = ENVELOPE_BYTES + itemSize(apart);
  const plainBytes = around + Buffer.byteLength(text);
  const count = slices.reduce((events, { source }) => events + source.last - source.first + 1, 0);
  if (writeUnits(plainBytes) > 1) {
    const packed = compress(text);
    const bytes = around + packed.byteLength;
    if (writeUnits(bytes) < writeUnits(plainBytes)) {
      if (bytes > maxItemBytes) return undefined;
      return { count, content: { ...apart, e: { B: packed }, f: { N: BROTLI } } };
    }
  }
  return plainBytes > maxItemBytes ? undefined : { count, content: { ...apart, e: { S: text } } };
}

function bytesOf(bodies: readonly Uint8Array[]): number {
  return bodies.reduce((bytes, body) => bytes + body.byteLength, 0);
}

/** Quality 5: an eighth smaller than 4 for about a third more time; 7 and above take many times that for a hundredth. */
function compress(text: string): Buffer {
  return brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
}

/** What a page holds of one item of a stream. */
export interface PageSlice {
  /** Its slots, with as much of the item as tells its commits apart. */
  readonly source: ChainItem;
  /** The position of its first event. */
  readonly position: number;
  /** The entries of its events; undefined when they have to be read from the stream. */
  readonly entries: readonly unknown[] | undefined;
  readonly metadata: EventMetadata | undefined;
  /** The bodies that are apart, in the order of their entries. */
  readonly bodies: readonly Uint8Array[];
}

type StoredSlice = readonly [
  streamId: string,
  first: number,
  sinceLast: number,
  idAge: number,
  entries: readonly unknown[] | null,
  extras?: SliceExtras,
];

// Most slices share these: a replay goes through millions of them.
const NO_EXTRAS: SliceExtras = {};
const NO_BODIES: readonly Uint8Array[] = [];
const NO_BYTES = new Uint8Array();

/**
 * What a page holds, in order.
 *
 * @throws IntegrityError when it can't be read.
 */
export function readPage(page: ChainItem): PageSlice[] {
  return readMeasuredPage(page).slices;
}

/** Likewise, with about how many characters of JSON it has; what is not in the page is not counted. */
export function readMeasuredPage(page: ChainItem): {
  readonly slices: PageSlice[];
  readonly characters: number;
} {
  const apart = (page.item["b"]?.L ?? []).map(({ B: body }) => body ?? new Uint8Array());
  const ids = page.item["j"]?.B ?? NO_BYTES;
  let position = page.first;
  let body = 0;
  let t = 0;
  const parsed = parsePage(page);
  const slices = parsed.slices.map((stored, index): PageSlice => {
    const { b = 0, x: metadata } = stored[5] ?? NO_EXTRAS;
    t += stored[2];
    const commitId = commitIdOf(
      t - stored[3],
      ids.subarray(index * ID_REST_BYTES, (index + 1) * ID_REST_BYTES),
    );
    const source = sourceOf(stored, { t, commitId });
    const bodies = b === 0 ? NO_BODIES : apart.slice(body, body + b);
    const slice = { source, position, entries: stored[4] ?? undefined, metadata, bodies };
    position += source.last - source.first + 1;
    body += b;
    return slice;
  });
  if (position !== page.last + 1) {
    throw new IntegrityError(
      LOG,
      page.first,
      `${position - page.first} events are in a page of another size`,
    );
  }
  return { slices, characters: parsed.characters + bytesOf(apart) };
}

function sourceOf(
  [streamId, first, , , entries, extras = NO_EXTRAS]: StoredSlice,
  { t, commitId }: Pick<ChainItem, "t" | "commitId">,
): ChainItem {
  const { n = entries?.length ?? 0, o = 0, m = n, r = t, g, w } = extras;
  const commitFirst = first - o;
  const p = { S: streamId };
  return {
    item:
      g === undefined && w === undefined
        ? { p }
        : {
            p,
            ...(g === undefined ? undefined : { g: { B: Buffer.from(g, "base64") } }),
            ...(w === undefined ? undefined : { w: { S: JSON.stringify(w) } }),
          },
    first,
    last: first + n - 1,
    commitFirst,
    commitLast: commitFirst + m - 1,
    commitId,
    t,
    recordedAt: r,
    closed: false,
    truncatedBefore: undefined,
  };
}

function parsePage({ item, first }: ChainItem): {
  readonly slices: readonly StoredSlice[];
  readonly characters: number;
} {
  const format = item["f"]?.N;
  let text: string | undefined;
  let slices: unknown;
  try {
    text = textOf(item);
    slices = text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    throw new IntegrityError(LOG, first, "a page can't be decoded", { cause: error });
  }
  if (text !== undefined && Array.isArray(slices) && slices.every(Array.isArray)) {
    return { slices: slices as unknown as StoredSlice[], characters: text.length };
  }
  throw new IntegrityError(LOG, first, `a page has format ${format ?? "0"}, which this release can't read`);
}

function textOf({ e: body, f: format }: Item): string | undefined {
  if (format === undefined) return body?.S;
  return format.N === BROTLI && body?.B !== undefined
    ? brotliDecompressSync(body.B).toString("utf8")
    : undefined;
}
