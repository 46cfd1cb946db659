import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itemSize } from "../src/capacity/item-size.ts";
import { commitsIn, EMPTY_CHAIN, encodeGroup, placeAfter, readSlots } from "../src/chain/tiling.ts";
import { formatCommitId, newCommitId } from "../src/commit-id.ts";
import { pseudoRandomText } from "../src/contract/fixtures.ts";
import { findJsonProblem } from "../src/json.ts";
import { packCommit } from "../src/store/commit-content.ts";
import { openEvents } from "../src/store/open-events.ts";
import { encodeBody } from "../src/store/sealed-body.ts";
import { encryptedEntryText } from "../src/store/stored-event.ts";
import { readItem } from "./read-item.ts";

const storedEvent = fc.tuple(
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.jsonValue(),
  fc.option(fc.object({ maxDepth: 1 }), { nil: undefined }),
);

describe("packing a commit", () => {
  it("gives back what went in, in items that tile and fit", () => {
    fc.assert(
      fc.property(
        fc.array(storedEvent, { minLength: 1, maxLength: 12 }),
        fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), { nil: undefined }),
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 2_000, max: 20_000 }),
        (events, metadata, before, maxItemBytes) => {
          const texts = events.map(([type, data, own]) =>
            JSON.stringify(own === undefined ? [type, data] : [type, data, own]),
          );
          const wanted = texts.map((text) => JSON.parse(text) as [string, unknown, object?]);
          fc.pre(texts.every((text) => text.length < maxItemBytes / 4));
          const streamId = "packed|1";
          const parts = packCommit({
            streamId,
            events: texts.map((text) => ({ text })),
            metadata: metadata && JSON.stringify(metadata),
            maxItemBytes,
          });
          const id = newCommitId(5);
          const end = before === 0 ? EMPTY_CHAIN : { version: before, t: 3, closed: false };
          const items = placeAfter(end, streamId, { id, parts, chainContent: { c: { S: "packed" } } }, 7);
          let next = before + 1;
          for (const item of items) {
            expect(itemSize(item)).toBeLessThanOrEqual(maxItemBytes);
            const slots = readSlots(item);
            expect([slots.first, slots.commitFirst, slots.commitLast]).toEqual([
              next,
              before + 1,
              before + events.length,
            ]);
            next = slots.last + 1;
          }
          expect(next).toBe(before + events.length + 1);
          const read = items.flatMap((item) => readItem(item));
          expect(read.map((event) => event.type)).toEqual(wanted.map(([type]) => type));
          expect(JSON.stringify(read.map((event) => event.data))).toBe(
            JSON.stringify(wanted.map(([, data]) => data)),
          );
          for (const [index, event] of read.entries()) {
            expect(event.metadata).toEqual({ ...metadata, ...wanted[index]?.[2] });
            expect(event.eventId).toBe(`${formatCommitId(id)}/${index}`);
            expect(event.version).toBe(before + 1 + index);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("keeps bodies with their entries, in items that fit", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 900 })), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 2_000, max: 9_000 }),
        async (shapes, maxItemBytes) => {
          const data = shapes.map(([, length], seed) => pseudoRandomText(seed, length));
          const events = shapes.map(([sealed], index) => {
            const text = JSON.stringify(["T", data[index]]);
            return sealed ? { text: encryptedEntryText("T", "s"), body: encodeBody(text) } : { text };
          });
          const parts = packCommit({ streamId: "b|1", events, maxItemBytes });
          const items = placeAfter(EMPTY_CHAIN, "b|1", { id: newCommitId(1), parts }, 2);
          const encryption = {
            subjectOf: () => undefined,
            encrypt: (_: string, body: Uint8Array) => body,
            decrypt: (_: string, body: Uint8Array) => body,
          };
          const read: unknown[] = [];
          for (const item of items) {
            expect(itemSize(item)).toBeLessThanOrEqual(maxItemBytes);
            const slots = readSlots(item);
            const range = { low: slots.first, high: slots.last };
            const opened = await openEvents({ definitions: undefined, encryption }, slots, range);
            read.push(...opened.map((event) => event.data));
          }
          expect(read).toEqual(data);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("compresses only when that saves a write unit", () => {
    const pack = (data: string) => {
      const [part] = packCommit({
        streamId: "z|1",
        events: [{ text: JSON.stringify(["T", data]) }],
        maxItemBytes: 400_000,
      });
      return part?.content["f"] === undefined ? "plain" : "compressed";
    };
    expect(pack("x".repeat(500))).toBe("plain");
    expect(pack("x".repeat(1_500))).toBe("compressed");
    expect(pack(pseudoRandomText(1, 1_900))).toBe("plain");
    expect(pack(pseudoRandomText(1, 4_200))).toBe("compressed");
  });

  it("keeps the commits of a group apart", () => {
    const sizes = [2, 1, 3];
    const ids = sizes.map(() => newCommitId(1));
    const group = encodeGroup(sizes.map((count, index) => ({ id: ids[index] ?? newCommitId(1), count })));
    const events = ["a", "b", "c", "d", "e", "f"].map((type) => ({ text: JSON.stringify([type, null]) }));
    const parts = packCommit({ streamId: "g|1", events, group, maxItemBytes: 10_000 });
    const [item] = placeAfter(
      { version: 4, t: 1, closed: false },
      "g|1",
      { id: ids[0] ?? newCommitId(1), parts },
      2,
    );
    const slots = readSlots(item ?? {});
    expect(commitsIn(slots).map(({ first, last }) => [first, last])).toEqual([
      [5, 6],
      [7, 7],
      [8, 10],
    ]);
    const [one, two, three] = ids.map(formatCommitId);
    expect(readItem(item ?? {}).map((event) => event.eventId)).toEqual([
      `${one}/0`,
      `${one}/1`,
      `${two}/0`,
      `${three}/0`,
      `${three}/1`,
      `${three}/2`,
    ]);
  });

  it("lets times never go back", () => {
    const commit = { id: newCommitId(1), parts: [{ count: 1, content: {} }] };
    const [late] = placeAfter({ version: 1, t: 1_000, closed: false }, "t|1", commit, 400);
    expect([late?.["t"], late?.["u"]]).toEqual([{ N: "1000" }, { N: "1000" }]);
  });
});

describe("JSON", () => {
  it("whatever JSON can keep is accepted, and is read back equal", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(findJsonProblem(value, "data")).toBeUndefined();
      }),
    );
  });

  it("whatever is accepted is read back equal", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withTypedArray: true,
          withSparseArray: true,
        }),
        (value) => {
          if (findJsonProblem(value, "data") !== undefined) return;
          const plain = (text: unknown): unknown => JSON.parse(JSON.stringify(text).replaceAll("-0", "0"));
          expect(plain(JSON.parse(JSON.stringify(value)))).toEqual(plain(value));
          expect(Object.keys(Object(JSON.parse(JSON.stringify(value))))).toEqual(Object.keys(Object(value)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("refuses what is nested too deep", () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 300; depth++) value = [value];
    expect(findJsonProblem(value, "data")?.message).toContain("nested deeper than 200");
  });
});
