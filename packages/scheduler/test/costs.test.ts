import { createEventStore, meterCapacity, SYSTEM_RUNTIME } from "@tuppence/core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ring } from "../src/drain/ring.ts";
import { contextOf, createScheduler } from "../src/scheduler.ts";
import { append } from "../src/targets/append.ts";
import { call } from "../src/targets/call.ts";
import { DEFAULT_SHARDS } from "../src/shards.ts";
import { createDynamoDBScheduleStorage } from "../src/storage/dynamodb-storage.ts";
import type { ItemRange } from "../src/storage/schedule-storage.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import { createSchedulerWorker, DEFAULT_LOOK_MS } from "../src/worker/create-scheduler-worker.ts";
import { connect } from "@tuppence/test-support/database";

/** Requests and capacity units of schedules, exactly, as a meter on their client sees them. */

const DATABASE = "schedulecosts";
const MINUTE = 60_000;

const client = connect(DATABASE);
const meter = meterCapacity(client);
/** A client of its own, so that what targets write is not counted. */
const storeClient = connect(DATABASE);
const store = createEventStore({ client: storeClient });
const targets = {
  call: call(() => undefined),
  write: append({
    store: createEventStore({ client }),
    streamId: ({ payload }) => String(payload),
    events: () => [{ type: "Fired", data: {} }],
  }),
};

let nowMs = Date.UTC(2026, 0, 5, 12);
const runtime = { ...SYSTEM_RUNTIME, now: () => nowMs };
const scheduler = createScheduler({ client, targets, runtime, shards: 1 });

async function costOf(work: () => Promise<unknown>): Promise<object> {
  meter.reset();
  await work();
  return meter.total();
}

/** Lets time pass, and the doorbell ring. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await ring({ ...contextOf(scheduler), concurrency: 8 }, 0, 0);
}

const cost = (requests: number, writeUnits: number, readUnits: number): object => ({
  requests,
  writeUnits,
  readUnits,
});

beforeAll(async () => {
  await Promise.all([scheduler.ensureTables(), store.ensureTables()]);
  await scheduler.schedule({ in: "1d", target: "call" });
});

describe("what is scheduled for once costs", () => {
  it("3 write units from its creation to its end, beside its minute", async () => {
    await scheduler.schedule({ in: "1h", target: "call" });
    // The minute is known by now.
    expect(
      await costOf(() => scheduler.schedule({ in: "1h", target: "call", payload: "x".repeat(600) })),
    ).toEqual(cost(1, 1, 0));
    await scheduler.schedule({ in: "1h", target: "call" });
    nowMs += 60 * MINUTE;
    // Two looks at the markers; two at the minute; for all three together a claim and an end.
    expect(await costOf(() => pass(0))).toEqual(cost(4 + 2, 3 * 2, 4));
  });

  it("2 more, once, for the first of a minute, 3 for the end of the minute, and 2 read units if that is near", async () => {
    expect(await costOf(() => scheduler.schedule({ in: "2h", target: "call" }))).toEqual(cost(3, 3, 0));
    expect(await costOf(() => scheduler.schedule({ in: "1m", target: "call" }))).toEqual(cost(4, 3, 2));
    expect(await costOf(() => scheduler.schedule({ in: "1m", target: "call" }))).toEqual(cost(2, 1, 2));
    await pass(MINUTE);
    nowMs += 7 * MINUTE;
    // Two minutes are open, of which this is the second: markers twice, each minute once, and once more to close it.
    expect(await costOf(() => pass(0))).toEqual(cost(2 + 2 + 2 * 3, 2 * 3, 2 + 2 + 2));
  });

  it("3 write units in the store as well: 1 and the 2 in the transaction of its event", async () => {
    await store.append("target", [{ type: "Fired", data: {} }]);
    const stored = await costOf(() => scheduler.schedule({ in: "1h", target: "write", payload: "new" }));
    expect(stored).toEqual(cost(3, 3, 0));
    nowMs += 60 * MINUTE;
    // Markers and the minute twice, the tail of the stream; in the transaction 2 for the entry and 2 for the event.
    expect(await costOf(() => pass(0))).toEqual(cost(6, 2 + 2, 5));
  });

  it("1 write unit and 1 read unit to be cancelled", async () => {
    const { id } = await scheduler.schedule({ in: "3h", target: "call" });
    expect(await costOf(() => scheduler.cancel(id))).toEqual(cost(2, 1, 1));
    expect(await costOf(() => scheduler.get(id))).toEqual(cost(1, 0, 1));
  });

  it("4 write units more with a name", async () => {
    await scheduler.schedule({ in: "3h", name: "another", target: "call" });
    expect(await costOf(() => scheduler.schedule({ in: "3h", name: "a", target: "call" }))).toEqual(
      cost(2, 4, 1),
    );
    expect(await costOf(() => scheduler.cancel("a"))).toEqual(cost(4, 2, 2));
  });
});

describe("what has a name costs", () => {
  it("6 write units from its creation to its cancellation, and 2 more for the first of a minute", async () => {
    const first = await costOf(() => scheduler.schedule({ in: "5h", name: "named|1", target: "call" }));
    expect(first).toEqual(cost(4, 2 + 4, 1));
    expect(await costOf(() => scheduler.cancel("named|1"))).toEqual(cost(4, 2, 2));
    // A name that was cancelled is taken up again: its entry is read as well.
    const again = await costOf(() => scheduler.schedule({ in: "5h", name: "named|1", target: "call" }));
    expect(again).toEqual(cost(3, 4, 2));
    await scheduler.cancel("named|1");
  });

  it.each([
    ["call", 2],
    ["write", 2 + 2],
  ] as const)("7 write units from its creation to its end: %s", async (target, run) => {
    // What was scheduled before is over, and its minutes are closed.
    await pass(24 * 60 * MINUTE);
    await pass(10 * MINUTE);
    const payload = `named|${target}`;
    await store.append(payload, [{ type: "Fired", data: {} }]);
    const first = await scheduler.schedule({ in: "6h", target: "call" });
    const stored = await costOf(() => scheduler.schedule({ in: "6h", name: payload, target, payload }));
    expect(stored).toEqual(cost(2, 4, 1));
    await scheduler.cancel(first.id);
    nowMs += 6 * 60 * MINUTE;
    // A claim and an end, or 2 each for the end and the event in one transaction; and the name.
    expect(await costOf(() => pass(0))).toMatchObject({ writeUnits: run + 1 });
  });
});

describe("a series costs", () => {
  it("7 write units an occurrence, 1 and 2 read units more if the next is within ten minutes", async () => {
    await scheduler.schedule({ name: "hourly", every: "1h", target: "call" });
    await pass(60 * MINUTE - 1);
    // Claim, and the end with the next occurrence and the name; and the minute of that.
    const own = 1 + 6 + 2;
    const { writeUnits } = (await costOf(() => pass(1))) as { writeUnits: number };
    expect(writeUnits).toBe(own);
    await scheduler.cancel("hourly");
    await scheduler.schedule({ name: "often", every: "20s", target: "call" });
    await pass(20_000);
    await pass(20_000);
    // The minute is known; a look at it, the hand-over.
    expect(((await costOf(() => pass(20_000))) as { writeUnits: number }).writeUnits).toBeLessThanOrEqual(
      8 + 2,
    );
    await scheduler.cancel("often");
  });
});

describe("nothing to do costs", () => {
  it("a worker half a read unit for each look in each shard: 14,400 an hour in four, beside its leases", async () => {
    const ofClient = connect(DATABASE);
    const looks = meterCapacity(ofClient);
    const dynamodb = createDynamoDBScheduleStorage(ofClient, "tuppence-idle");
    await dynamodb.ensureTables();
    looks.reset();
    // Leases and all else are in memory: only what looks for work is counted.
    const storage = { ...createMemoryScheduleStorage(), query: (range: ItemRange) => dynamodb.query(range) };
    const worker = createSchedulerWorker({ storage, targets, lookMs: 10 });
    worker.start();
    await vi.waitFor(() => expect(looks.calls.length).toBeGreaterThan(20), { timeout: 10_000 });
    await worker.stop();
    for (const look of looks.calls) {
      expect(look).toEqual({
        operation: "Query",
        error: undefined,
        requests: 1,
        readUnits: 0.5,
        writeUnits: 0,
      });
    }
    expect((3_600_000 / DEFAULT_LOOK_MS) * DEFAULT_SHARDS * 0.5).toBe(14_400);
  });
});
