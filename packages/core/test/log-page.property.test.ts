import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Item, itemSize } from "../src/capacity/item-size.ts";
import { placeAfter, readSlots, type ChainItem, encodeGroup } from "../src/chain/tiling.ts";
import { newCommitId } from "../src/commit-id.ts";
import { pseudoRandomText } from "../src/contract/fixtures.ts";
import { MAX_ITEM_BYTES } from "../src/limits.ts";
import { LOG, type LogUnit, type PackedPage, packPages, readPage } from "../src/log/page.ts";

/** Pages give back what went into them, and fit: for any commits that streams can hold. */

/** The ends of slots and times at their largest: what an item has around its content is no larger anywhere. */
const LARGEST = { version: Number.MAX_SAFE_INTEGER - 1_000_000, t: 8_639_999_999_999_999, closed: false };

function there<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError("There is nothing.");
  return value;
}

/** The items as they would be put, one behind the other. */
function placed(pages: readonly PackedPage[], end = LARGEST): Item[] {
  let version = end.version;
  return pages.map(({ part }) => {
    const commit = { id: newCommitId(1), parts: [part] };
    const [item] = placeAfter({ ...end, version }, LOG, commit, end.t);
    version += part.count;
    return there(item);
  });
}

interface Shape {
  readonly stream: string;
  readonly texts: readonly string[];
  readonly metadata: Record<string, string> | undefined;
  readonly bodies: readonly number[];
  readonly kind: "one" | "group" | "part" | "transaction" | "unreadable" | "unreadable metadata";
  readonly isImported: boolean;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  stream: fc.oneof(
    fc.constantFrom("", "a|1", "日本|🦆", 'a|\u0000"\\'),
    fc.string({ unit: "binary", maxLength: 40 }),
  ),
  texts: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
      fc.integer({ min: 0, max: 3_000 }).map((length) => "again ".repeat(length / 6)),
      fc.integer({ min: 0, max: 2_500 }).map((length) => pseudoRandomText(length, length)),
    ),
    { minLength: 1, maxLength: 6 },
  ),
  metadata: fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), { nil: undefined }),
  bodies: fc.array(fc.integer({ min: 0, max: 800 }), { maxLength: 3 }),
  kind: fc.constantFrom("one", "one", "group", "part", "transaction", "unreadable", "unreadable metadata"),
  isImported: fc.boolean(),
});

/** An item of a stream, made by hand: what it says need not go together, as long as its slots do. */
function itemOf({ stream, texts, metadata, bodies, kind, isImported }: Shape, seed: number): Item {
  const sealed = bodies.map((length, index) => ({ B: Buffer.from(pseudoRandomText(seed + index, length)) }));
  const entries = [...sealed.map(() => [1, "Sealed", "ada"]), ...texts.map((text) => ["Told", { text }])];
  const n = entries.length;
  const group = encodeGroup([
    { id: newCommitId(seed), count: 1 },
    { id: newCommitId(seed + 1), count: n - 1 },
  ]);
  return {
    p: { S: stream },
    s: { N: String(seed + 5) },
    ...(n === 1 ? undefined : { n: { N: String(n) } }),
    i: { B: newCommitId(seed) },
    t: { N: String(1_763_900_000_000 + seed) },
    ...(isImported ? { r: { N: "1318334740276" } } : undefined),
    ...(metadata === undefined ? undefined : { x: { S: JSON.stringify(metadata) } }),
    ...(kind === "unreadable metadata" ? { x: { S: "{" } } : undefined),
    ...(kind === "group" ? { g: { B: group } } : undefined),
    ...(kind === "part" ? { o: { N: "2" }, m: { N: String(n + 3) } } : undefined),
    ...(kind === "transaction"
      ? {
          w: {
            S: JSON.stringify([
              ["other|1", 3, 1],
              [stream, seed + 5, n],
            ]),
          },
        }
      : undefined),
    ...(sealed.length === 0 ? undefined : { b: { L: sealed } }),
    e: { S: kind === "unreadable" ? '[["Told"' : JSON.stringify(entries) },
  };
}

/** What a page has to give back of a source: all that tells its commits apart, and its content. */
function contentOf(source: ChainItem, isReferenced: boolean) {
  const { item, ...slots } = source;
  return {
    ...slots,
    commitId: Buffer.from(source.commitId).toString("hex"),
    closed: false,
    stream: item["p"]?.S,
    group: item["g"]?.B && Buffer.from(item["g"].B).toString("hex"),
    parts: item["w"]?.S,
    ...(isReferenced
      ? undefined
      : {
          entries: JSON.parse(String(item["e"]?.S)) as unknown,
          metadata: item["x"]?.S === undefined ? undefined : (JSON.parse(item["x"].S) as unknown),
          bodies: (item["b"]?.L ?? []).map(({ B }) => String(Buffer.from(B ?? []))),
        }),
  };
}

function checkPages(units: readonly LogUnit[], maxItemBytes: number): number {
  const pages = packPages(units, maxItemBytes);
  // In order, and no unit in two of them.
  expect(pages.flatMap((page) => page.units)).toEqual(units);
  const items = placed(pages);
  let position = LARGEST.version + 1;
  let references = 0;
  for (const [index, item] of items.entries()) {
    expect(itemSize(item)).toBeLessThanOrEqual(maxItemBytes);
    const slices = readPage(readSlots(item));
    const sources = (pages[index]?.units ?? []).flat();
    expect(slices.length).toBe(sources.length);
    for (const [at, slice] of slices.entries()) {
      const source = there(sources[at]);
      const isReferenced = slice.entries === undefined;
      const isReadable = ["e", "x"].every((name) => isJson(source.item[name]?.S ?? "{}"));
      if (isReferenced && isReadable) references += 1;
      expect(isReferenced || isReadable).toBe(true);
      const { item: told, ...slots } = slice.source;
      expect({
        ...slots,
        commitId: Buffer.from(slots.commitId).toString("hex"),
        stream: told["p"]?.S,
        group: told["g"]?.B && Buffer.from(told["g"].B).toString("hex"),
        parts: told["w"]?.S,
        ...(isReferenced
          ? undefined
          : {
              entries: slice.entries,
              metadata: slice.metadata,
              bodies: slice.bodies.map((body) => String(Buffer.from(body))),
            }),
      }).toEqual(contentOf(source, isReferenced));
      expect(slice.position).toBe(position);
      position += source.last - source.first + 1;
    }
    // Only what does not fit by itself is named: its page has one unit.
    const named = slices.filter(({ entries, source }, at) => {
      const { item: from } = there(sources[at]);
      return (
        entries === undefined && source.last > 0 && ["e", "x"].every((name) => isJson(from[name]?.S ?? "{}"))
      );
    });
    expect(named.length === 0 || pages[index]?.units.length === 1).toBe(true);
  }
  return references;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("packing pages of the log", () => {
  it("gives back what went in, in items that fit, in order", () => {
    let references = 0;
    fc.assert(
      fc.property(
        fc.array(fc.array(shape, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1_500, max: 12_000 }),
        (shapes, maxItemBytes) => {
          let seed = 0;
          const units = shapes.map((unit) => unit.map((each) => readSlots(itemOf(each, (seed += 10)))));
          references += checkPages(units, maxItemBytes);
        },
      ),
      { numRuns: 80 },
    );
    // Some of the items were small enough for that.
    expect(references).toBeGreaterThan(0);
  });

  const plain = (seed: number, length: number, stream = "a|1"): ChainItem =>
    readSlots({
      p: { S: stream },
      s: { N: String(seed) },
      i: { B: newCommitId(seed) },
      t: { N: "1763900000000" },
      e: { S: JSON.stringify([["T", pseudoRandomText(seed, length)]]) },
    });

  it("uses the last byte: an item is at the limit with what is around it at its largest", () => {
    const one = [plain(1, 900)];
    const size = itemSize(there(placed(packPages([one], MAX_ITEM_BYTES))[0]));
    expect(checkPages([one], size + 40)).toBe(0);
    // The room for what is around is not larger than it has to be by more than this.
    expect(checkPages([one], size)).toBe(1);
  });

  it("puts an item of 400 KB into one of its own, as text that compresses or by name", () => {
    const noise = [plain(1, MAX_ITEM_BYTES - 100)];
    const small = [plain(2, 100)];
    const text = `[["T","${"again and ".repeat(40_000)}"]]`;
    const long = [readSlots({ ...plain(3, 1).item, e: { S: text } })];
    // What pseudo-random text of 64 letters takes is three quarters of its length.
    expect(checkPages([small, noise, small, long, small], MAX_ITEM_BYTES)).toBe(0);
    const bytes = Buffer.from(
      Uint32Array.from({ length: 100_000 }, (_, at) => Math.imul(at + 7, 2_654_435_761) ^ (at << 7)).buffer,
    );
    const sealed = readSlots({ ...plain(4, 1).item, e: { S: '[[1,"T","ada"]]' }, b: { L: [{ B: bytes }] } });
    expect(checkPages([small, [sealed], small], MAX_ITEM_BYTES)).toBe(0);
    const full = readSlots({
      ...sealed.item,
      b: { L: [{ B: Buffer.concat([bytes, bytes.subarray(0, 9_500)]) }] },
    });
    expect(checkPages([small, [full], small], MAX_ITEM_BYTES)).toBe(1);
  });

  it("names of a transaction of 4 MB no more than it has to, and in a moment", () => {
    const unit = Array.from({ length: 100 }, (_, seed) => plain(seed + 1, 39_000, `s|${seed}`));
    const began = process.cpuUsage();
    const [page] = packPages([unit], MAX_ITEM_BYTES);
    // Of this process: others may have the machine, too.
    const ms = process.cpuUsage(began).user / 1_000;
    const slices = readPage(readSlots(there(placed([there(page)])[0])));
    const kept = slices.filter(({ entries }) => entries !== undefined).length;
    // Three quarters of 39,000 B each, in 400 KB.
    expect(kept).toBe(13);
    expect(ms).toBeLessThan(5_000);
  });

  it("holds the largest transactions that there are, by name at least", () => {
    // Each of its items names all: 60 names of 1,000 B, 60 times.
    const names = Array.from({ length: 60 }, (_, seed) => pseudoRandomText(seed, 1_000));
    const w = JSON.stringify(names.map((name) => [name, 1, 1]));
    const unit = names.map((name, seed) => {
      const { item } = plain(1, 8_000, name);
      return readSlots({ ...item, i: { B: newCommitId(seed) }, w: { S: w } });
    });
    checkPages([unit], MAX_ITEM_BYTES);
    expect(packPages([unit], MAX_ITEM_BYTES)).toHaveLength(1);
  });

  it("fills pages, and begins another where they are full", () => {
    const units = Array.from({ length: 2_000 }, (_, seed) => [plain(seed + 1, 450, `s|${seed % 50}`)]);
    const pages = packPages(units, MAX_ITEM_BYTES);
    expect(pages.map((page) => page.part.count)).toEqual([1_000, 1_000]);
    checkPages(units.slice(0, 300), MAX_ITEM_BYTES);
  });
});

describe("a page that can't be read", () => {
  const page = { p: { S: LOG }, s: { N: "7" }, i: { B: newCommitId(1) }, t: { N: "1" } };
  it.each<[string, Item]>([
    ["no JSON", { e: { S: "[[" } }],
    ["no list", { e: { S: "null" } }],
    ["no slices", { e: { S: "[7]" } }],
    ["no brotli", { e: { B: Buffer.from("x") }, f: { N: "2" } }],
    ["another format", { e: { B: Buffer.from("x") }, f: { N: "3" } }],
    ["nothing", {}],
    ["another number of events", { e: { S: '[["a|1",1,1,"",[["A",1],["B",2]]]]' } }],
  ])("says so: %s", (_, content) => {
    expect(() => readPage(readSlots({ ...page, ...content }))).toThrow(
      expect.objectContaining({ code: "integrity", chain: LOG }),
    );
  });
});
