import { randomBytes } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { decodeRecord } from "../src/decode-record.ts";

const id = randomBytes(16);
const commit = {
  p: { S: "permit|1" },
  s: { N: "3" },
  i: { B: new Uint8Array(id) },
  t: { N: "1763900000123" },
  e: { S: '[["Granted",{}]]' },
};

function record(
  eventName: string,
  images: { readonly NewImage?: unknown; readonly OldImage?: unknown },
  rest: Readonly<Record<string, unknown>> = {},
): unknown {
  const Keys = { p: { S: "permit|1" }, s: { N: "3" } };
  const at = new Date("2026-01-02T03:04:05Z");
  const dynamodb = { SequenceNumber: "111", ApproximateCreationDateTime: at, Keys, ...images };
  return { eventID: "e1", eventName, eventSource: "aws:dynamodb", dynamodb, ...rest };
}

const without = (name: string): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(commit).filter(([each]) => each !== name));

describe("a commit", () => {
  it("is an insert of an item of a chain", () => {
    expect(decodeRecord(record("INSERT", { NewImage: commit }))).toStrictEqual({
      kind: "commit",
      chain: "permit|1",
      sequenceNumber: "111",
      eventId: "e1",
      changedAt: new Date("2026-01-02T03:04:05Z"),
      change: "insert",
      keys: { p: { S: "permit|1" }, s: { N: "3" } },
      newImage: commit,
      oldImage: undefined,
    });
  });

  it("may be one of the system's chains, close a stream without events, or be as old as it likes", () => {
    for (const content of [{ p: { S: "$all" } }, { n: { N: "0" }, k: { BOOL: true } }, { t: { N: "-5" } }]) {
      const NewImage = { ...commit, ...content };
      expect(decodeRecord(record("INSERT", { NewImage })).kind).toBe("commit");
    }
  });

  it("is not the snapshot of a chain", () => {
    const NewImage = { ...commit, s: { N: "9007199254740992" }, v: { N: "3" } };
    expect(decodeRecord(record("INSERT", { NewImage })).kind).toBe("change");
  });

  it("is neither truncating nor removing an item, nor an insert without its image", () => {
    expect(decodeRecord(record("MODIFY", { NewImage: commit })).kind).toBe("change");
    expect(decodeRecord(record("REMOVE", { OldImage: commit })).kind).toBe("change");
    expect(decodeRecord(record("INSERT", {})).kind).toBe("change");
  });

  it.each(["p", "s", "i", "t"])("has its %s", (name) => {
    expect(decodeRecord(record("INSERT", { NewImage: without(name) })).kind).toBe("change");
  });

  it.each([
    ["a name that is none", { p: { S: "" } }],
    ["a name of another type", { p: { N: "1" } }],
    ["no slot", { s: { N: "0" } }],
    ["half a slot", { s: { N: "1.5" } }],
    ["a short id", { i: { B: new Uint8Array(15) } }],
    ["an id of another type", { i: { S: "0123456789abcdef" } }],
    ["no time", { t: { N: "" } }],
  ])("is no item with %s", (_, content) => {
    expect(decodeRecord(record("INSERT", { NewImage: { ...commit, ...content } })).kind).toBe("change");
  });
});

describe("an expiration", () => {
  const OldImage = { p: { S: "BELL|0|1" }, s: { S: "bell" } };

  it.each([
    ["the SDK", { PrincipalId: "dynamodb.amazonaws.com", Type: "Service" }],
    ["Lambda", { principalId: "dynamodb.amazonaws.com", type: "Service" }],
  ])("is a removal by DynamoDB itself, from %s", (_, userIdentity) => {
    expect(decodeRecord(record("REMOVE", { OldImage }, { userIdentity }))).toMatchObject({
      kind: "expiration",
      change: "remove",
      oldImage: OldImage,
    });
  });

  it("is no removal by anybody else, and nothing but a removal", () => {
    for (const userIdentity of [
      undefined,
      null,
      "Service",
      { principalId: "somebody", type: "Service" },
      { principalId: "dynamodb.amazonaws.com", type: "Root" },
    ]) {
      expect(decodeRecord(record("REMOVE", { OldImage }, { userIdentity })).kind).toBe("change");
    }
    const userIdentity = { principalId: "dynamodb.amazonaws.com", type: "Service" };
    expect(decodeRecord(record("MODIFY", { OldImage }, { userIdentity })).kind).toBe("change");
  });
});

describe("what is not known", () => {
  it.each([
    ["of another kind", record("RENAME", {})],
    ["a value of another type", record("INSERT", { NewImage: { a: { X: "1" } } })],
    ["a value of two types", record("INSERT", { NewImage: { a: { S: "1", N: "1" } } })],
    ["a value without a type", record("INSERT", { NewImage: { a: {} } })],
    ["an old image that is none", record("MODIFY", { OldImage: "image" })],
    ["bytes that are no base64", record("INSERT", { NewImage: { ...commit, i: { B: "AAA*" } } })],
    ["a part of a list", record("INSERT", { NewImage: { a: { L: [{ S: "1" }, null] } } })],
  ])("is handed on with its place and as it is: %s", (_, raw) => {
    expect(decodeRecord(raw)).toStrictEqual({
      kind: "unknown",
      sequenceNumber: "111",
      eventId: "e1",
      changedAt: new Date("2026-01-02T03:04:05Z"),
      raw,
    });
  });

  it("is a record without a place, too", () => {
    const raw = { ...(record("INSERT", { NewImage: commit }) as object), dynamodb: { Keys: {} } };
    expect(decodeRecord(raw)).toMatchObject({ kind: "unknown", sequenceNumber: undefined });
  });

  it("is what nests deeper than DynamoDB does, however deep", () => {
    const nested = (levels: number): unknown => {
      let value: unknown = { S: "x" };
      for (let level = 0; level < levels; level++) value = { L: [value] };
      return record("INSERT", { NewImage: { a: value } });
    };
    expect(decodeRecord(nested(32)).kind).toBe("change");
    expect(decodeRecord(nested(100_000)).kind).toBe("unknown");
  });
});

describe("the time of a change", () => {
  it.each([
    [1_763_900_000, "2025-11-23T12:13:20.000Z"],
    [1_763_900_000.123, "2025-11-23T12:13:20.123Z"],
  ])("is in seconds from Lambda: %s", (ApproximateCreationDateTime, expected) => {
    const dynamodb = { SequenceNumber: "1", Keys: {}, ApproximateCreationDateTime };
    expect(decodeRecord({ eventName: "MODIFY", dynamodb }).changedAt?.toISOString()).toBe(expected);
  });

  it("may be missing", () => {
    const dynamodb = { SequenceNumber: "1", Keys: {}, ApproximateCreationDateTime: "soon" };
    expect(decodeRecord({ eventName: "MODIFY", dynamodb })).toMatchObject({
      kind: "change",
      changedAt: undefined,
    });
  });
});
