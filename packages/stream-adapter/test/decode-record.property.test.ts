import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeRecord } from "../src/decode-record.ts";
import { asLambdaRecord, sdkRecord } from "./records.ts";

const KINDS = ["commit", "expiration", "change", "unknown"];

it("a record of the SDK and the same record from Lambda are the same", () => {
  fc.assert(
    fc.property(sdkRecord, (record) => {
      const decoded = decodeRecord(record);
      expect(decoded.kind).not.toBe("unknown");
      expect(decodeRecord(asLambdaRecord(record))).toStrictEqual(decoded);
    }),
    { numRuns: 1_000 },
  );
});

it("keeps items and dates as they are", () => {
  fc.assert(
    fc.property(sdkRecord, (record) => {
      expect(decodeRecord(record)).toMatchObject({
        sequenceNumber: record.dynamodb?.SequenceNumber,
        eventId: record.eventID,
        changedAt: record.dynamodb?.ApproximateCreationDateTime,
      });
      const decoded = decodeRecord(record);
      if (decoded.kind === "unknown") throw new Error("a valid record is known");
      expect(decoded.keys).toStrictEqual(record.dynamodb?.Keys);
      expect(decoded.newImage).toStrictEqual(record.dynamodb?.NewImage);
      expect(decoded.oldImage).toStrictEqual(record.dynamodb?.OldImage);
    }),
  );
});

it("never throws, whatever it is given", () => {
  const anything = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withTypedArray: true,
    }),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(anything, (raw) => {
      const decoded = decodeRecord(raw);
      expect(decoded).toMatchObject({ kind: "unknown", sequenceNumber: undefined });
      expect(decoded.kind === "unknown" && decoded.raw).toBe(raw);
    }),
    { numRuns: 2_000 },
  );
});

it("never throws on valid records with anything changed", () => {
  const junk = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withTypedArray: true }),
    fc.constantFrom<unknown>(undefined, null, "", "=", "-1", Number.NaN, 1e300, new Date(Number.NaN), [], {}),
  );
  const way = fc.array(fc.nat(), { minLength: 1, maxLength: 6 });
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(sdkRecord, fc.boolean(), way, junk, (record, fromLambda, path, value) => {
      const raw = fromLambda ? asLambdaRecord(record) : record;
      const decoded = decodeRecord(changedAt(raw, path, value));
      expect(KINDS).toContain(decoded.kind);
      seen.set(decoded.kind, (seen.get(decoded.kind) ?? 0) + 1);
    }),
    { numRuns: 3_000 },
  );
  // The changes reach all of it: some leave a record known and some do not.
  for (const kind of ["change", "unknown", "commit"]) expect(seen.get(kind)).toBeGreaterThan(10);
});

/** A copy with what is at the end of a way replaced. */
function changedAt(raw: unknown, [step, ...rest]: readonly number[], value: unknown): unknown {
  if (step === undefined || typeof raw !== "object" || raw === null || raw instanceof Date) return value;
  const keys = Object.keys(raw);
  const key = keys[step % keys.length];
  if (key === undefined || raw instanceof Uint8Array) return value;
  const changed = changedAt((raw as Record<string, unknown>)[key], rest, value);
  if (Array.isArray(raw)) return raw.map((each: unknown, index) => (String(index) === key ? changed : each));
  return Object.fromEntries(Object.entries(raw).map(([name, each]) => [name, name === key ? changed : each]));
}
