import { controlTable, eventsTable, meterCapacity } from "@tuppence/core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createQueue, type NewMessage } from "../src/index.ts";
import { collect } from "./collect.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { connect } from "@tuppence/test-support/database";

/** Requests and capacity units, exactly, as a meter on the client sees them. */

const client = connect("queuecosts");
const meter = meterCapacity(client, { tables: [eventsTable(), controlTable()] });
const open = (name: string) => createQueue({ client, name });

beforeAll(() => open("any").ensureTables());
beforeEach(() => meter.reset());

const calls = (): string[] => meter.calls.map(({ operation }) => operation);

const WORDS = (
  "permit house officer decided application letter district owner extension roof garage planning objection " +
  "neighbour inspection approved refused condition invoice deadline street building architect drawing survey"
).split(" ");

/** About 300 bytes of JSON: a decision in words, with an id and figures that no other has. */
function letter(seed: number): NewMessage {
  const random = seededRandom(seed);
  const text = Array.from({ length: 27 }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
  const caseId = `case-${Math.floor(random() * 1e12).toString(36)}`;
  return {
    body: { caseId, fee: Math.floor(random() * 1e5), decidedAt: `2026-03-0${1 + (seed % 9)}T08:00`, text },
  };
}
/** As long, of random characters. */
function noise(seed: number): NewMessage {
  const random = seededRandom(seed);
  return {
    body: Array.from({ length: 290 }, () => String.fromCharCode(33 + Math.floor(random() * 93))).join(""),
  };
}
const many = (count: number, make: (seed: number) => NewMessage): NewMessage[] =>
  Array.from({ length: count }, (_, seed) => make(seed));

describe("enqueueing", () => {
  it("costs one write a call when warm, and the first call looks at the tables and the queue's end", async () => {
    const queue = open("first");
    const first = await queue.enqueue(letter(1));
    expect(calls().toSorted()).toEqual(
      ["DescribeTable", "DescribeTable", "GetItem", "UpdateItem", "Query", "PutItem"].toSorted(),
    );
    expect(first.capacity).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
    meter.reset();
    expect((await queue.enqueue(letter(2))).capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    expect(calls()).toEqual(["PutItem"]);
    const other = open("first");
    meter.reset();
    await other.enqueue(letter(3));
    expect(calls().toSorted()).toEqual(["DescribeTable", "DescribeTable", "GetItem", "PutItem", "Query"]);
    expect(meter.total()).toMatchObject({ readUnits: 2, writeUnits: 1 });
  });

  it.each([
    { name: "letters", make: letter, units: { 1: 1, 10: 1, 100: 6 } },
    { name: "noise", make: noise, units: { 1: 1, 10: 3, 100: 25 } },
  ])(
    "of $name of 300 bytes takes the stated units in calls of 1, 10 and 100",
    async ({ name, make, units }) => {
      const queue = open(name);
      await queue.enqueue(make(0));
      for (const [count, writeUnits] of Object.entries(units)) {
        meter.reset();
        const { capacity } = await queue.enqueue(many(Number(count), make));
        expect({ count, ...capacity }).toEqual({ count, requests: 1, readUnits: 0, writeUnits });
        expect(meter.total()).toMatchObject(capacity);
      }
    },
  );

  it("costs the same in 100 calls that wait for each other, all counted at the first", async () => {
    const queue = open("together");
    await queue.enqueue(letter(0));
    meter.reset();
    const results = await Promise.all(many(100, letter).map((message) => queue.enqueue(message)));
    expect(calls()).toEqual(["PutItem"]);
    expect(results.map(({ positions }) => positions[0])).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    );
    expect(results[0]?.capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 6 });
    expect(results[1]?.capacity).toEqual({ requests: 0, readUnits: 0, writeUnits: 0 });
  });

  it("with ids costs no read but the first look back, and nothing for what is there", async () => {
    const queue = open("ids");
    const message = (id: number): NewMessage => ({ ...letter(id), messageId: `m${id}` });
    for (let id = 0; id < 3; id++) await queue.enqueue(message(id));
    meter.reset();
    expect(await queue.enqueue(message(3))).toMatchObject({ positions: [4], duplicates: [] });
    expect(await queue.enqueue(message(1))).toMatchObject({
      positions: [2],
      duplicates: [0],
      capacity: { requests: 0 },
    });
    expect(calls()).toEqual(["PutItem"]);
    const other = open("ids");
    meter.reset();
    expect(await other.enqueue([message(2), message(4)])).toMatchObject({
      positions: [3, 5],
      duplicates: [0],
    });
    expect(calls().toSorted()).toEqual(["DescribeTable", "DescribeTable", "GetItem", "PutItem", "Query"]);
    // The first finds what the second wrote when it loses the race for its slot, and reads nothing.
    meter.reset();
    expect(await queue.enqueue([message(4), message(5)])).toMatchObject({
      positions: [5, 6],
      duplicates: [0],
    });
    expect(calls()).toEqual(["PutItem", "PutItem"]);
  });

  it("of a producer costs one write a call when warm, and its start a look at what it has said", async () => {
    const producer = { id: "scanner" };
    const queue = createQueue({ client, name: "produced", producer });
    await queue.enqueue(letter(1));
    expect(calls().toSorted()).toEqual(
      [
        "DescribeTable",
        "DescribeTable",
        "GetItem",
        "UpdateItem",
        "GetItem",
        "Query",
        "UpdateItem",
        "Query",
        "PutItem",
      ].toSorted(),
    );
    meter.reset();
    await queue.enqueue(many(100, letter));
    expect(calls()).toEqual(["PutItem"]);
    meter.reset();
    await queue.close();
    expect(calls()).toEqual(["GetItem", "UpdateItem"]);
    const again = createQueue({ client, name: "produced", producer });
    meter.reset();
    expect(await again.producerState()).toEqual({ sequence: 101, position: 101 });
    expect(calls().toSorted()).toEqual([
      "DescribeTable",
      "DescribeTable",
      "GetItem",
      "GetItem",
      "Query",
      "Query",
      "Query",
    ]);
  });
});

describe("reading", () => {
  it("costs a read unit for each 4 KB that is stored, and a look at the end one request", async () => {
    const queue = open("read");
    await queue.enqueue(many(100, letter));
    meter.reset();
    expect((await collect(queue.read(1))).length).toBe(100);
    expect(calls()).toEqual(["Query"]);
    expect(meter.total()).toMatchObject({ readUnits: 2 });
    meter.reset();
    expect(await queue.tail()).toMatchObject({ position: 100 });
    expect(calls()).toEqual(["Query"]);
    meter.reset();
    expect(await collect(queue.read(101, { consistency: "eventual" }))).toEqual([]);
    expect(meter.total()).toMatchObject({ requests: 1, readUnits: 0.5 });
  });
});
