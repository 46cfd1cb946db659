import { itemSize, writeUnits } from "@tuppence/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDocument, decodeDocument, encodeDocument } from "../src/storage/document-item.ts";

const position = fc.maxSafeNat();
const record = fc.record({
  state: fc.option(
    fc.oneof(
      fc.json(),
      // Long ones, that compress and that do not.
      fc.tuple(fc.string(), fc.nat(4_000)).map(([text, times]) => JSON.stringify(text.repeat(times))),
      fc.array(fc.string({ unit: "binary" }), { maxLength: 300 }).map((texts) => JSON.stringify(texts)),
    ),
    { nil: undefined },
  ),
  position,
  revision: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  streams: fc
    .array(fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), position), { maxLength: 5 })
    .map((entries) => new Map(entries)),
});

describe("the item of a document", () => {
  it("gives back what went in, in no more write units than as plain text", () => {
    fc.assert(
      fc.property(record, fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }), (document, key) => {
        const put = { partition: "p@1|0", key, record: document };
        checkDocument(put);
        const item = encodeDocument(put, 1_700_000_000_000);
        expect(decodeDocument(item)).toEqual(document);
        expect(item["ttl"]).toEqual(document.state === undefined ? { N: "1700604800" } : undefined);
        expect(item["k"] === undefined).toBe(document.streams.size === 0);
        if (document.state === undefined) return;
        const { f: format, ...others } = item;
        const plain = writeUnits(itemSize({ ...others, d: { S: document.state } }));
        expect(writeUnits(itemSize(item)) < plain).toBe(format !== undefined);
        expect(item["d"]?.S).toBe(format === undefined ? document.state : undefined);
      }),
      { numRuns: 300 },
    );
  });

  it("of a format that is not known is refused", () => {
    const put = {
      partition: "p@1|0",
      key: "k",
      record: { state: "1", position: 4, revision: 1, streams: new Map() },
    };
    const item = { ...encodeDocument(put, 0), f: { N: "9" } };
    expect(() => decodeDocument(item)).toThrow(expect.objectContaining({ code: "integrity", slot: 4 }));
  });
});
