import { randomBytes } from "node:crypto";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { describe, expect, it } from "vitest";
import { createKeyTable } from "../src/key-table.ts";
import { events, memberOf } from "../src/library-events.ts";
import { runDemo } from "../src/run-demo.ts";
import { createSubjectEncryption } from "../src/subject-encryption.ts";

const server = await startDynamoDBLocal({ log: false });
const connect = () => new DynamoDBClient(server.clientConfig(`forget${randomBytes(8).toString("hex")}`));

/** Two processes on the same tables, whose clocks the test moves. */
async function setUp() {
  const client = connect();
  let time = 1_000;
  let reads = 0;
  const table = createKeyTable(client, "keys");
  await table.ensure();
  const start = () => {
    const keys = { ...table, find: (subject: string) => (reads++, table.find(subject)) };
    const encryption = createSubjectEncryption({
      keys,
      subjectOf: memberOf,
      maxAgeMs: 60_000,
      now: () => time,
    });
    const store = createEventStore({ client, events, encryption });
    const types = async () => {
      const found: string[] = [];
      for await (const event of store.read("library|1")) found.push(event.type);
      return found;
    };
    return { encryption, store, types };
  };
  const one = start();
  await one.store.ensureTables();
  return { client, one, other: start(), pass: (ms: number) => (time += ms), reads: () => reads, table };
}

const joined = (member: string) => ({
  type: "MemberJoined" as const,
  data: { member, name: "Ada", email: "a@b" },
});

describe("forgetting a person", () => {
  it("is what the program shows", async () => {
    const lines: string[] = [];
    const client = connect();
    await runDemo(client, (line) => lines.push(line));
    expect(lines).toEqual([
      "As it happened",
      "  1  MemberJoined  Ada <ada@example.org>",
      "  2  MemberJoined  Grace <grace@example.org>",
      "  3  BookBorrowed  m-1 has Sketches",
      "  4  BookReturned  Sketches is back",
      "",
      "After m-1 asked to be forgotten",
      "  1  $forgotten    a MemberJoined of m-1",
      "  2  MemberJoined  Grace <grace@example.org>",
      "  3  $forgotten    a BookBorrowed of m-1",
      "  4  BookReturned  Sketches is back",
    ]);
    const { Items: items } = await client.send(new ScanCommand({ TableName: "library-events" }));
    expect(JSON.stringify(items)).not.toMatch(/Ada|Grace|example/);
  });

  it("takes effect here at once, elsewhere within the age of a key in memory", async () => {
    const { one, other, pass } = await setUp();
    await one.store.append("library|1", [joined("m-1")]);
    expect(await other.types()).toEqual(["MemberJoined"]);
    await one.encryption.forget("m-1");
    expect(await one.types()).toEqual(["$forgotten"]);
    pass(59_000);
    expect(await other.types()).toEqual(["MemberJoined"]);
    pass(2_000);
    expect(await other.types()).toEqual(["$forgotten"]);
  });

  it("leaves what a person does later readable, and what was before forgotten", async () => {
    const { one, other } = await setUp();
    await one.store.append("library|1", [joined("m-1")]);
    await one.encryption.forget("m-1");
    await one.store.append("library|1", [joined("m-1")]);
    for (const process of [one, other, one])
      expect(await process.types()).toEqual(["$forgotten", "MemberJoined"]);
  });

  it("is never concluded from what is in memory: a key made elsewhere is found", async () => {
    const { one, other } = await setUp();
    await other.store.append("library|1", [joined("m-1")]);
    expect(await one.types()).toEqual(["MemberJoined"]);
    await other.encryption.forget("m-1");
    await other.store.append("library|1", [joined("m-1")]);
    // One still has the first key in memory, which is not the one of the second event.
    expect((await one.types())[1]).toBe("MemberJoined");
  });

  it("goes on with one key when two processes make one at the same time", async () => {
    const { table } = await setUp();
    const made = await Promise.all([table.create("m-9"), table.create("m-9")]);
    const found = await table.find("m-9");
    expect(made.map(({ id }) => Buffer.from(id))).toEqual(
      [found, found].map((key) => Buffer.from(key?.id ?? [])),
    );
  });

  it("asks for a key once for many events", async () => {
    const { one, other, reads } = await setUp();
    await one.store.append(
      "library|1",
      Array.from({ length: 50 }, () => joined("m-1")),
    );
    const before = reads();
    await other.types();
    await other.types();
    expect(reads() - before).toBe(1);
    await one.encryption.forget("m-1");
    await one.types();
    await one.types();
    expect(reads() - before).toBe(2);
  });
});
