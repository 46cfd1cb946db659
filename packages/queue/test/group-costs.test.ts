import { controlTable, eventsTable, type MeteredCall, meterCapacity } from "@tuppence/core";
import { NonRetryableError } from "@tuppence/core/failures";
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createQueue, type GroupEvent, type QueueConsumer } from "../src/index.ts";
import { connect } from "@tuppence/test-support/database";

/** Requests and capacity units of consumers, exactly, as a meter on their client sees them; others have clients of their own. */

const DATABASE = "queuegroupcosts";
const client = connect(DATABASE);
const meter = meterCapacity(client, { tables: [eventsTable(), controlTable()] });
beforeEach(() => meter.reset());

const open = (name: string) => createQueue({ client, name });
/** Somebody else. */
const beside = (name: string) => createQueue({ client: connect(DATABASE), name });
/** No renewal, however slow this machine is. */
const OPTIONS = { leaseDurationMs: 600_000, pollIntervalMs: 20, maxIdleMs: 20 };

beforeAll(() => open("any").ensureTables());

async function start(consumer: QueueConsumer): Promise<void> {
  onTestFinished(() => consumer.stop({ drainMs: 0 }));
  await consumer.start();
}

/** What does not happen by the clock. */
function withoutLooks(calls: readonly MeteredCall[]): readonly MeteredCall[] {
  return calls.filter(({ operation, readUnits }) => !(operation === "Query" && readUnits === 0.5));
}

describe("consuming", () => {
  it.each([
    { batchSize: 1, acks: 50 },
    { batchSize: 10, acks: 5 },
    { batchSize: 50, acks: 1 },
  ])(
    "in batches of $batchSize costs one write unit a batch, and the reading",
    async ({ batchSize, acks }) => {
      const name = `batches of ${batchSize}`;
      const other = beside(name);
      await other.enqueue({ body: 0 });
      const events: GroupEvent[] = [];
      const options = { ...OPTIONS, batchSize, onEvent: (event: GroupEvent) => events.push(event) };
      await start(open(name).consume("g", () => undefined, options));
      // The first time it is also forgotten what an owner before may have failed at, and looked where the queue ends.
      await expect.poll(() => events.some(({ type }) => type === "caughtUp"), { timeout: 30_000 }).toBe(true);
      meter.reset();
      await other.enqueue(Array.from({ length: 50 }, (_, body) => ({ body })));
      await expect.poll(async () => (await other.status("g")).position, { timeout: 30_000 }).toBe(51);
      const writes = meter.calls.filter(({ writeUnits }) => writeUnits > 0);
      expect(writes.map(({ operation, writeUnits }) => `${operation} ${writeUnits}`)).toEqual(
        Array.from({ length: acks }, () => "UpdateItem 1"),
      );
      expect(withoutLooks(meter.calls)).toEqual(writes);
    },
  );

  it("costs half a read unit a look while nothing comes", async () => {
    const other = beside("idle");
    await other.enqueue({ body: 0 });
    const events: GroupEvent[] = [];
    const options = { ...OPTIONS, lanes: 3, onEvent: (event: GroupEvent) => events.push(event) };
    await start(open("idle").consume("g", () => undefined, options));
    await expect
      .poll(() => events.filter(({ type }) => type === "caughtUp").length, { timeout: 30_000 })
      .toBe(3);
    // What other lanes had is stored later, once.
    await expect.poll(async () => (await other.status("g")).position, { timeout: 30_000 }).toBe(1);
    meter.reset();
    await expect.poll(() => meter.calls.length, { timeout: 30_000 }).toBeGreaterThan(10);
    expect(withoutLooks(meter.calls)).toEqual([]);
  });

  it("costs no more for who begins at the end, and little to begin", async () => {
    const other = beside("late");
    await other.enqueue([{ body: 0 }, { body: 1 }]);
    const first = beside("late").consume("g", () => undefined, OPTIONS);
    await start(first);
    await first.caughtUp();
    await first.stop();
    meter.reset();
    const events: GroupEvent[] = [];
    const options = { ...OPTIONS, onEvent: (event: GroupEvent) => events.push(event) };
    await start(open("late").consume("g", () => undefined, options));
    await expect.poll(() => events.some(({ type }) => type === "caughtUp"), { timeout: 30_000 }).toBe(true);
    const writes = meter.calls.filter(({ writeUnits }) => writeUnits > 0);
    // That there is a member, and the claim of its lane.
    expect(writes.map(({ operation, writeUnits }) => `${operation} ${writeUnits}`)).toEqual([
      "UpdateItem 1",
      "UpdateItem 1",
    ]);
    meter.reset();
    await expect.poll(() => meter.calls.length, { timeout: 30_000 }).toBeGreaterThan(10);
    expect(withoutLooks(meter.calls)).toEqual([]);
  });

  it("parks a message for a read and two writes, and redrives it for as many", async () => {
    const queue = open("parked");
    const other = beside("parked");
    let isBroken = true;
    const handler = (): void => {
      if (isBroken) throw new NonRetryableError("not yet");
    };
    await other.enqueue({ body: 0, key: "k" });
    const events: GroupEvent[] = [];
    const onEvent = (event: GroupEvent): void => void events.push(event);
    await start(queue.consume("g", handler, { ...OPTIONS, onFailure: "parkKey", onEvent }));
    await expect
      .poll(
        () =>
          other.status("g").then(
            ({ parked }) => parked,
            () => 0,
          ),
        { timeout: 30_000 },
      )
      .toBe(1);
    await expect.poll(() => events.some(({ type }) => type === "caughtUp"), { timeout: 30_000 }).toBe(true);
    meter.reset();
    await other.enqueue({ body: 1 });
    await expect.poll(async () => (await other.status("g")).parked, { timeout: 30_000 }).toBe(2);
    expect(withoutLooks(meter.calls).map(({ operation }) => operation)).toEqual([
      "GetItem",
      "UpdateItem",
      "UpdateItem",
    ]);
    expect(meter.total().writeUnits).toBe(2);
    meter.reset();
    isBroken = false;
    await queue.redrive("g", { position: 2 });
    await expect.poll(async () => (await other.status("g")).parked, { timeout: 30_000 }).toBe(1);
    const writesOf = (): readonly string[] =>
      meter.calls.filter(({ writeUnits }) => writeUnits > 0).map(({ operation }) => operation);
    await expect.poll(() => writesOf().includes("DeleteItem"), { timeout: 30_000 }).toBe(true);
    // Of the call: a mark, and that there is one. Of the consumer, which is woken: a sign of life. Of the lane: it is asked for, no longer marked, done,
    // and forgotten.
    await expect
      .poll(() => writesOf().filter((operation) => operation === "UpdateItem").length, { timeout: 30_000 })
      .toBe(6);
    expect(writesOf().filter((operation) => operation === "DeleteItem")).toHaveLength(1);
  });

  it("takes no transaction, no time to live and no index, whatever is done with a group", async () => {
    const queue = open("whole life");
    let isBroken = true;
    const handler = ({ body }: { readonly body: unknown }): void => {
      if (isBroken && body === 2) throw new NonRetryableError("not yet");
    };
    meter.reset();
    await queue.enqueue([{ body: 1 }, { body: 2, key: "k" }, { body: 3, key: "k" }]);
    const consumer = queue.consume("g", handler, { ...OPTIONS, onFailure: "parkKey" });
    await start(consumer);
    await consumer.caughtUp();
    isBroken = false;
    await queue.redrive("g");
    await expect.poll(() => queue.parked("g"), { timeout: 30_000 }).toEqual([]);
    await queue.changeLanes("g", 2);
    await consumer.caughtUp();
    await queue.reset("g", { to: "beginning" });
    await consumer.caughtUp();
    await queue.status("g");
    await queue.trim();
    await queue.deleteGroup("g");
    await consumer.stop();
    const operations = new Set(meter.calls.map(({ operation }) => operation));
    expect([...operations].toSorted()).toEqual([
      "DeleteItem",
      "DescribeTable",
      "GetItem",
      "PutItem",
      "Query",
      "UpdateItem",
    ]);
  });
});
