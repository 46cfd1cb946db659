import { auditLog, createEventStore, createSequencer } from "@tuppence/core";
import { createDynamoDBChainStorage, LAST_SLOT } from "@tuppence/core/chains";
import { expect, it } from "vitest";
import { createQueue, listQueues } from "../src/index.ts";
import { interceptRequests } from "./client-faults.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";

/** Queues live in the table of the streams, and nobody who looks at streams sees them. */

const client = connect("queuebeside");

it("is in no list of streams, no log and no audit, and its items have no attribute of the index", async () => {
  const store = createEventStore({ client });
  const queue = createQueue({ client, name: "letters" });
  await queue.ensureTables();
  await store.append("permit|1", [{ type: "Decided", data: 1 }]);
  await queue.enqueue([{ body: 1 }, { body: 2 }]);
  expect(await collect(store.listStreams(undefined))).toEqual(["permit|1"]);
  const range = { from: 1, to: LAST_SLOT, backward: false, consistency: "strong" } as const;
  const storage = createDynamoDBChainStorage(client, "tuppence");
  const items = (
    await Promise.all(["permit|1", "$queue|letters"].map((chain) => storage.query({ chain, ...range })))
  ).flatMap((page) => page.items);
  expect(items.map(({ p, c }) => [p?.S, c?.S])).toEqual([
    ["permit|1", "permit"],
    ["$queue|letters", undefined],
  ]);
  expect(await createSequencer({ client }).sequence(items)).toMatchObject({ appended: 1 });
  expect(await auditLog({ client, graceMs: 0 })).toMatchObject({ positions: 1, streams: 1, missing: [] });
  expect(await collect(store.readAll())).toMatchObject([{ streamId: "permit|1" }]);
  await expect(store.append("$queue|letters", [{ type: "Decided", data: 1 }])).rejects.toMatchObject({
    code: "invalidStreamId",
  });
});

it("is listed with the other queues", async () => {
  await createQueue({ client, name: "applications", dedupWindowMs: 5 }).enqueue({ body: 1 });
  const queues = await listQueues({ client });
  expect(queues.map(({ name, dedupWindowMs }) => [name, dedupWindowMs])).toEqual([
    ["applications", 5],
    ["letters", 900_000],
  ]);
  expect(queues.every(({ createdAt }) => Math.abs(createdAt.getTime() - Date.now()) < 600_000)).toBe(true);
  // The longest window of its processes counts.
  await createQueue({ client, name: "applications", dedupWindowMs: 7 }).enqueue({ body: 1 });
  await createQueue({ client, name: "applications", dedupWindowMs: 6 }).enqueue({ body: 1 });
  expect((await listQueues({ client }))[0]?.dedupWindowMs).toBe(7);
});

it("is enqueued to, read and trimmed with calls that strongly consistent global tables have", async () => {
  const operations = new Set<string>();
  const own = connect("queuebeside");
  interceptRequests(own, ({ operation }, send) => {
    operations.add(operation);
    return send();
  });
  const clock = { now: 0 };
  const options = { client: own, name: "plain", runtime: { now: () => clock.now } };
  const queue = createQueue({ ...options, producer: { id: "scanner" } });
  await queue.enqueue([{ body: 1, messageId: "a" }, { body: 2 }]);
  await createQueue(options).enqueue([
    { body: 1, messageId: "a" },
    { body: 3, messageId: "b" },
  ]);
  await queue.enqueue({ body: 4 }, { sequence: 3 });
  clock.now = 1e10;
  await queue.enqueue({ body: 5 });
  expect(await queue.trim()).toMatchObject({ firstPosition: 5 });
  await queue.peek();
  await queue.positionAt(new Date(5));
  await queue.close();
  expect([...operations].toSorted()).toEqual(["DescribeTable", "GetItem", "PutItem", "Query", "UpdateItem"]);
});
