import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FilterPattern, recordFilter } from "../../src/lambda/filter-pattern.ts";

const RECORD = {
  eventName: "REMOVE",
  userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
  dynamodb: {
    SizeBytes: 26,
    Keys: { p: { S: "order|1" } },
    NewImage: {
      name: { S: "Alice" },
      age: { N: "30" },
      empty: { S: "" },
      gone: { NULL: true },
      tags: { L: [{ S: "Sales" }, { S: "Support" }] },
      lists: { L: [{ L: [{ S: "deep" }] }] },
      set: { SS: ["a", "b"] },
    },
  },
};

function attribute(name: string, pattern: unknown): FilterPattern {
  return { dynamodb: { NewImage: { [name]: pattern } } };
}

describe("recordFilter", () => {
  it.each<[string, FilterPattern, boolean]>([
    ["equals", attribute("name", { S: ["Alice"] }), true],
    ["equals another", attribute("name", { S: ["alice"] }), false],
    ["one of several", attribute("name", { S: ["Bob", "Alice"] }), true],
    ["the empty string", attribute("empty", { S: [""] }), true],
    ["a boolean", attribute("gone", { NULL: [true] }), true],
    ["all fields", { eventName: ["REMOVE"], dynamodb: { Keys: { p: { S: ["order|2"] } } } }, false],
    [
      "a removal by TTL",
      { userIdentity: { type: ["Service"], principalId: ["dynamodb.amazonaws.com"] } },
      true,
    ],
    ["a number, as text", attribute("age", { N: ["30"] }), true],
    ["a number of DynamoDB is no number", attribute("age", { N: [30] }), false],
    ["numeric is not for N", attribute("age", { N: [{ numeric: [">", 5] }] }), false],
    ["numeric", { dynamodb: { SizeBytes: [{ numeric: ["=", 26] }] } }, true],
    ["a numeric range", { dynamodb: { SizeBytes: [{ numeric: [">=", 26, "<", 27] }] } }, true],
    ["out of a numeric range", { dynamodb: { SizeBytes: [{ numeric: [">", 26, "<=", 27] }] } }, false],
    ["prefix", { dynamodb: { Keys: { p: { S: [{ prefix: "order|" }] } } } }, true],
    ["no prefix", { dynamodb: { Keys: { p: { S: [{ prefix: "rder" }] } } } }, false],
    ["suffix", { dynamodb: { Keys: { p: { S: [{ suffix: "|1" }] } } } }, true],
    ["no suffix", { dynamodb: { Keys: { p: { S: [{ suffix: "|" }] } } } }, false],
    ["equals-ignore-case", attribute("name", { S: [{ "equals-ignore-case": "aLICE" }] }), true],
    ["anything-but", attribute("name", { S: [{ "anything-but": ["Bob"] }] }), true],
    ["anything-but it", attribute("name", { S: [{ "anything-but": "Alice" }] }), false],
    ["anything-but needs a value", attribute("nobody", { S: [{ "anything-but": ["Bob"] }] }), false],
    ["anything-but a prefix", attribute("name", { S: [{ "anything-but": { prefix: "B" } }] }), true],
    ["anything-but its prefix", attribute("name", { S: [{ "anything-but": { prefix: "A" } }] }), false],
    ["exists", attribute("name", { S: [{ exists: true }] }), true],
    ["exists is not for maps", attribute("name", [{ exists: true }]), false],
    ["exists not, for a map", attribute("name", [{ exists: false }]), true],
    ["exists not", attribute("name", { S: [{ exists: false }] }), false],
    ["exists not, far from anything", { dynamodb: { OldImage: { a: { S: [{ exists: false }] } } } }, true],
    ["inherited is not there", attribute("toString", { S: [{ exists: true }] }), false],
    ["through a list", attribute("tags", { L: { S: ["Support"] } }), true],
    ["not in a list", attribute("tags", { L: { S: ["Marketing"] } }), false],
    ["through lists of lists", attribute("lists", { L: { L: { S: ["deep"] } } }), true],
    ["in a set", attribute("set", { SS: ["b"] }), true],
    ["$or", { $or: [{ eventName: ["INSERT"] }, { dynamodb: { SizeBytes: [26] } }] }, true],
    ["$or and another field", { eventName: ["INSERT"], $or: [{ eventName: ["REMOVE"] }, { a: [1] }] }, false],
    ["$or below", attribute("name", { $or: [{ S: ["Bob"] }, { S: [{ prefix: "Al" }] }] }), true],
  ])("%s", (_, pattern, matches) => {
    expect(recordFilter([pattern])(RECORD)).toBe(matches);
    expect(recordFilter([JSON.stringify(pattern)])(RECORD)).toBe(matches);
  });

  it("matches by any of its patterns, and everything without one", () => {
    expect(recordFilter([{ eventName: ["INSERT"] }, { eventName: ["REMOVE"] }])(RECORD)).toBe(true);
    expect(recordFilter([{ eventName: ["INSERT"] }, { eventName: ["MODIFY"] }])(RECORD)).toBe(false);
    expect(recordFilter([])(RECORD)).toBe(true);
  });

  it.each<[FilterPattern]>([
    ["{"],
    ["[]"],
    ["null"],
    [{}],
    [{ a: {} }],
    [{ a: [] }],
    [{ a: "text" }],
    [{ a: [["nested"]] }],
    [{ a: [{}] }],
    [{ a: [{ prefix: "x", suffix: "y" }] }],
    [{ a: [{ constructor: "x" }] }],
    [{ a: [{ wildcard: "x*" }] }],
    [{ a: [{ prefix: 1 }] }],
    [{ a: [{ suffix: null }] }],
    [{ a: [{ exists: "true" }] }],
    [{ a: [{ numeric: [] }] }],
    [{ a: [{ numeric: [">"] }] }],
    [{ a: [{ numeric: ["!=", 1] }] }],
    [{ a: [{ numeric: [">", "1"] }] }],
    [{ a: [{ numeric: [">", 1, "<", 5, "<", 3] }] }],
    [{ a: [{ "anything-but": [] }] }],
    [{ a: [{ "anything-but": ["a", 1] }] }],
    [{ a: [{ "anything-but": { suffix: "a" } }] }],
    [{ $or: [{ a: [1] }] }],
    [{ $or: { a: [1] } }],
  ])("refuses %j", (pattern) => {
    expect(() => recordFilter([pattern])).toThrow(TypeError);
  });

  it("refuses too many and too long patterns", () => {
    expect(() => recordFilter(Array.from({ length: 11 }, () => ({ a: [1] })))).toThrow(RangeError);
    expect(() => recordFilter([{ a: ["x".repeat(4_090)] }])).toThrow(RangeError);
  });

  it("says what is wrong, and where", () => {
    expect(() => recordFilter([{ dynamodb: { Keys: { p: { S: [{ prefix: 1 }] } } } }])).toThrow(
      new TypeError("A filter pattern has a string at the top.dynamodb.Keys.p.S.prefix, not 1"),
    );
  });
});

describe("laws of recordFilter", () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const fields = fc.dictionary(
    fc.string().filter((name) => name !== "$or"),
    scalar,
    { minKeys: 1, maxKeys: 5 },
  );

  it("a record matches the pattern of its own values, and exists contradicts exists not", () => {
    fc.assert(
      fc.property(fields, fc.string(), (record, name) => {
        const own = Object.fromEntries(Object.entries(record).map(([field, value]) => [field, [value]]));
        expect(recordFilter([own])(record)).toBe(true);
        fc.pre(name !== "$or" && name !== "__proto__");
        const exists = recordFilter([{ [name]: [{ exists: true }] }])(record);
        expect(exists).toBe(Object.hasOwn(record, name));
        expect(recordFilter([{ [name]: [{ exists: false }] }])(record)).toBe(!exists);
      }),
    );
  });

  it("a text matches exactly one of equals and anything-but, and its own prefixes and suffixes", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), (text, other, at) => {
        const matches = (rule: unknown): boolean => recordFilter([{ a: [rule] }])({ a: text });
        expect(matches(other)).toBe(!matches({ "anything-but": [other] }));
        expect(matches({ prefix: other })).toBe(!matches({ "anything-but": { prefix: other } }));
        expect(matches({ prefix: text.slice(0, at) })).toBe(true);
        expect(matches({ suffix: text.slice(at) })).toBe(true);
      }),
    );
  });
});
