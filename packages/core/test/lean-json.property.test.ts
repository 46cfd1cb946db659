import { type AttributeValue, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { decodeReply, encodeRequest } from "../src/dynamodb/lean/dynamodb-json.ts";
import { createLeanCall } from "../src/dynamodb/lean/lean-call.ts";
import { createEventStore } from "../src/index.ts";
import { connect } from "./test-database.ts";

/** Lean requests and the SDK's commands write and read the same items. */

const TableName = "tuppence-events";
const client = connect("leanjson");
const lean = createLeanCall(client);

beforeAll(() => createEventStore({ client }).ensureTables());

/** Any code points, also those that JSON escapes. */
const text = fc.string({ unit: "binary", maxLength: 20 });
const name = fc.oneof(
  fc.constantFrom("B", "BS", "S", "M", "__type", "message", "toJSON"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 10 }).filter((random) => random !== "__proto__"),
);
/** Up to 38 digits, as DynamoDB keeps them: no leading or trailing zeros, no exponent. */
const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: 10n ** 36n, max: 10n ** 38n - 1n }).map(String),
  fc.bigInt({ min: 1n, max: 10n ** 20n }).map((digits) => `-0.${digits}1`),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const setOf = <T>(values: fc.Arbitrary<T>) =>
  fc.uniqueArray(values, { minLength: 1, maxLength: 4, selector: String });

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    text.map((S) => ({ S })),
    number.map((N) => ({ N })),
    bytes.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true as const }),
    setOf(text).map((SS) => ({ SS })),
    setOf(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map(String)).map((NS) => ({ NS })),
    setOf(bytes).map((BS) => ({ BS })),
    fc.array(tie("value"), { maxLength: 4, depthIdentifier: "value" }).map((L) => ({ L })),
    fc
      .dictionary(name, tie("value"), { maxKeys: 4, depthIdentifier: "value", noNullPrototype: true })
      .map((M) => ({ M })),
  ),
}));
const item = fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true });

/** Sets have no order. */
function sorted(content: unknown): unknown {
  if (Array.isArray(content)) return content.map(sorted);
  if (typeof content !== "object" || content === null || content instanceof Uint8Array) return content;
  return Object.entries(content)
    .map(([key, field]) => {
      const isSet = Array.isArray(field) && ["SS", "NS", "BS"].includes(key);
      return [key, isSet ? [...(field as unknown[])].sort(bySpelling) : sorted(field)];
    })
    .sort(bySpelling);
}

function bySpelling(one: unknown, other: unknown): number {
  const [first, second] = [String(one), String(other)];
  return first < second ? -1 : Number(first > second);
}

let written = 0;

it("what one writes the other reads, whatever it is", async () => {
  await fc.assert(
    fc.asyncProperty(item, async (content) => {
      const key = { p: { S: `item|${written++}` }, s: { N: "1" } };
      const Item: Record<string, AttributeValue> = { ...content, ...key };
      const get = { TableName, Key: key, ConsistentRead: true };
      await lean("PutItem", { TableName, Item }, undefined);
      const bySdk = (await client.send(new GetItemCommand(get))).Item;
      expect(sorted(bySdk)).toEqual(sorted(Item));
      await client.send(new PutItemCommand({ TableName, Item }));
      const byLean = (await lean("GetItem", get, undefined))["Item"];
      expect(sorted(byLean)).toEqual(sorted(Item));
      // No Buffers, no other classes: the very same values.
      expect(byLean).toStrictEqual(bySdk);
    }),
    { numRuns: 150 },
  );
});

it("decoding undoes encoding", () => {
  fc.assert(
    fc.property(item, (Item) => {
      expect(decodeReply(encodeRequest({ Item }))).toStrictEqual({ Item });
    }),
  );
});

it("fields that are undefined or null are left out; views of larger buffers are encoded by themselves", () => {
  const view = Buffer.from("xxhixx").subarray(2, 4);
  expect(encodeRequest({ a: undefined, b: null, c: { B: view }, d: [], e: {}, f: true, g: 1.5 })).toBe(
    '{"c":{"B":"aGk="},"d":[],"e":{},"f":true,"g":1.5}',
  );
});

it("what JSON can't hold is refused before it is sent", async () => {
  for (const bad of [1n, Number.NaN, () => 1, Symbol("x")]) {
    expect(() => encodeRequest({ bad })).toThrow(TypeError);
    await expect(lean("PutItem", { TableName, Item: { bad } }, undefined)).rejects.toThrow("can't be sent");
  }
});

it("an attribute may have the name __proto__, which the SDK loses", async () => {
  const Item: Record<string, AttributeValue> = {
    p: { S: "proto" },
    s: { N: "1" },
    ["__proto__"]: { M: { ["__proto__"]: { B: new Uint8Array([1]) } } },
  };
  await lean("PutItem", { TableName, Item }, undefined);
  const read = await lean("GetItem", { TableName, Key: { p: { S: "proto" }, s: { N: "1" } } }, undefined);
  expect(read["Item"]).toStrictEqual(Item);
});

it("a reply that is no JSON object is an error", () => {
  for (const reply of ["[]", "null", '"text"', "<html>"])
    expect(() => decodeReply(reply)).toThrow(SyntaxError);
  expect(decodeReply("")).toEqual({});
});
