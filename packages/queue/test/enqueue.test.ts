import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryStorage } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { createQueue } from "../src/index.ts";
import { collect } from "./collect.ts";
import { connect } from "./test-database.ts";

const client = connect("queueenqueue");

const places = {
  memory: () => ({ storage: createMemoryStorage(), control: createMemoryControlStorage() }),
  DynamoDB: () => ({ client }),
  "DynamoDB with lean requests": () => ({ client, leanRequests: true }),
};

describe.each(Object.entries(places))("a queue in %s", (place, open) => {
  const name = (of: string): string => `${of} in ${place}`;

  it("gives dense positions, in the order of the calls", async () => {
    const queue = createQueue({ ...open(), name: name("dense") });
    await queue.ensureTables();
    const results = await Promise.all([
      queue.enqueue({ body: "a" }),
      queue.enqueue([{ body: { b: 1 } }, { body: null, key: "k", headers: { h: "1" } }]),
      queue.enqueue({ body: [3], messageId: "m" }),
    ]);
    expect(results.map(({ positions }) => positions)).toEqual([[1], [2, 3], [4]]);
    const read = await collect(queue.read(1));
    expect(read.map(({ body }) => body)).toEqual(["a", { b: 1 }, null, [3]]);
    expect(read[2]).toMatchObject({ position: 3, key: "k", headers: { h: "1" }, messageId: undefined });
    expect(await queue.tail()).toEqual({ position: 4, enqueuedAt: read[3]?.enqueuedAt });
    expect(await queue.peek({ from: 2, limit: 2 })).toEqual(read.slice(1, 3));
    const again = await queue.enqueue([
      { body: 0, messageId: "m" },
      { body: 5, messageId: "n" },
      { body: 6, messageId: "n" },
    ]);
    expect(again).toMatchObject({ positions: [4, 5, 5], duplicates: [0, 2] });
  });
});
