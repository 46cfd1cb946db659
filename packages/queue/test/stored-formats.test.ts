import { type Item, readSlots } from "@tuppence/core/chains";
import { expect, it } from "vitest";
import { readMessages } from "../src/message-item.ts";

/** Items as they were stored once. What is here stays readable, whatever is written now. */

const envelope: Item = {
  p: { S: "$queue|letters" },
  s: { N: "7" },
  i: { B: Buffer.from("AZrXo0PAeGvLlSsPTnVqNw", "base64url") },
  t: { N: "1763900000123" },
  u: { N: "1763900000100" },
};
const enqueuedAt = new Date(1_763_900_000_123);
const plain = { key: undefined, messageId: undefined, headers: {}, enqueuedAt };

const stored: Record<string, { readonly item: Item; readonly messages: readonly object[] }> = {
  "a body alone": {
    item: { ...envelope, e: { S: '[[{"caseId":"case-1"}]]' } },
    messages: [{ ...plain, position: 7, body: { caseId: "case-1" } }],
  },
  "several, with all that a message may have": {
    item: {
      ...envelope,
      n: { N: "3" },
      e: { S: '[[null,{"k":"case-1"}],["b",{"i":"m-1","h":{"trace":"t"}}],[3,{"k":"k","i":"i","h":{}}]]' },
    },
    messages: [
      { ...plain, position: 7, body: null, key: "case-1" },
      { ...plain, position: 8, body: "b", messageId: "m-1", headers: { trace: "t" } },
      { ...plain, position: 9, body: 3, key: "k", messageId: "i" },
    ],
  },
  "a producer's": {
    item: { ...envelope, n: { N: "2" }, x: { S: '{"p":"scanner","q":41}' }, e: { S: "[[1],[2]]" } },
    messages: [
      { ...plain, position: 7, body: 1, producer: { id: "scanner", sequence: 41 } },
      { ...plain, position: 8, body: 2, producer: { id: "scanner", sequence: 42 } },
    ],
  },
  compressed: {
    item: {
      ...envelope,
      n: { N: "2" },
      f: { N: "1" },
      e: { B: Buffer.from("i442jNWJNoqNBQA", "base64url") },
    },
    messages: [
      { ...plain, position: 7, body: 1 },
      { ...plain, position: 8, body: 2 },
    ],
  },
};

it.each(Object.entries(stored))("reads %s", (_, { item, messages }) => {
  expect(readMessages(readSlots(item))).toEqual(messages);
});

it.each(["[[1]", "[[1],[2]]", "[1]", "[[]]", '[[1,"x"]]', "[[1,{},2]]"])("tells that %s is none", (text) => {
  expect(() => readMessages(readSlots({ ...envelope, e: { S: text } }))).toThrow(
    expect.objectContaining({ code: "integrity" }),
  );
});

it.each(["{", "{}", '{"p":1,"q":1}', '{"p":"a","q":1.5}'])("tells that a producer %s is none", (text) => {
  expect(() => readMessages(readSlots({ ...envelope, x: { S: text }, e: { S: "[[1]]" } }))).toThrow(
    expect.objectContaining({ code: "integrity" }),
  );
});
