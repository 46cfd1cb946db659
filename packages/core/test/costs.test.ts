import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import {
  createCommandHandler,
  createCommitId,
  createEventStore,
  eventsTable,
  type Fold,
  meterCapacity,
  type NewEvent,
  type RecordedEvent,
  snapshotAfter,
} from "../src/index.ts";
import { connect } from "./test-database.ts";

/** Requests and capacity units, exactly, as a meter on the client sees them. */

const client = connect("costs");
const meter = meterCapacity(client, { tables: [eventsTable()] });
const open = () => createEventStore({ client });
const store = open();

beforeAll(() => store.ensureTables());
beforeEach(() => meter.reset());

/** Events of about 300 bytes of JSON: random text, or an order that looks like the others. */
const random = (seed: number): NewEvent => ({ type: "Noted", data: { text: pseudoRandomText(seed, 289) } });
const order = (number: number): NewEvent => ({
  type: "OrderPlaced",
  data: {
    orderId: `order-${10_000 + number}`,
    customer: { id: `customer-${number % 7}`, name: "Ada Lovelace", email: "ada@example.org" },
    lines: [
      { sku: `sku-${number}`, description: "Analytical engine, brass", quantity: 1, price: 1_250_00 },
      { sku: `sku-${number + 1}`, description: "Punched cards, box of 100", quantity: 3, price: 9_90 },
    ],
    currency: "EUR",
  },
});
const many = (count: number, make: (number: number) => NewEvent): NewEvent[] =>
  Array.from({ length: count }, (_, index) => make(index));

it("lean requests: the same calls, units and errors, request by request, as the meter sees them too", async () => {
  const runs = [];
  for (const leanRequests of [false, true]) {
    const streamId = `cost|lean-${leanRequests}`;
    const own = createEventStore({ client, leanRequests });
    const decider = { initialState: () => 0, evolve: (count: number) => count + 1, decide: () => order(1) };
    meter.reset();
    const results = [
      await own.append(streamId, [random(1)], { expectedVersion: "noStream" }),
      await own.append(streamId, many(10, order)),
      await own.append(
        streamId,
        many(10, (seed) => ({ type: "Large", data: pseudoRandomText(seed, 60_000) })),
      ),
      await own.load(streamId, decider),
      await createCommandHandler({ store: own, decider })(streamId, null),
      await createEventStore({ client, leanRequests }).append(streamId, [random(2)], { expectedVersion: 22 }),
    ];
    const lost = await own
      .append(streamId, [random(3)], { expectedVersion: 22 })
      .catch((error: unknown) => error);
    await collect(own.listStreams("cost"));
    runs.push({
      calls: [...meter.calls],
      capacity: [...results, lost as { capacity: unknown }].map((result) => result.capacity),
    });
  }
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[1]?.calls.map((call) => `${call.operation} ${call.error ?? "ok"}`)).toEqual([
    "PutItem ok",
    "PutItem ok",
    "TransactWriteItems ok",
    "Query ok",
    "Query ok",
    "PutItem ok",
    "Query ok",
    "PutItem ok",
    "PutItem ConditionalCheckFailedException",
    "Query ok",
  ]);
});

it("the events measured with are 300 bytes each", () => {
  expect(JSON.stringify(random(1).data).length).toBe(300);
  expect(JSON.stringify(order(1).data).length).toBeGreaterThan(290);
});

describe("append", () => {
  it("1 event to an existing stream: 1 request, 1 WCU, no read", async () => {
    const { version } = await store.append("cost|one", [random(1)]);
    for (const expectedVersion of [version, "any", "streamExists"] as const) {
      meter.reset();
      const { capacity } = await store.append("cost|one", [random(2)], { expectedVersion });
      expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
      expect(capacity).toEqual(meter.total());
    }
  });

  it("1 event to a new stream: 1 request, 1 WCU more for the index of streams", async () => {
    const { capacity } = await store.append("cost|new", [random(1)], { expectedVersion: "noStream" });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 2 });
    expect(capacity).toEqual(meter.total());
  });

  it("10 events: 1 request, 1 WCU when they look alike, 3 when they are random text", async () => {
    await store.append("cost|ten", [random(1)]);
    for (const [make, units] of [
      [order, 1],
      [random, 3],
    ] as const) {
      meter.reset();
      const { capacity } = await store.append("cost|ten", many(10, make));
      expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: units });
      expect(capacity).toEqual(meter.total());
    }
  });

  it("with the version of a load: no further read; with a bare number: 1 read of the tail", async () => {
    await store.append("cost|version", many(3, random));
    const other = open();
    const { version } = await other.load("cost|version", {
      initialState: () => 0,
      evolve: (count) => count + 1,
    });
    meter.reset();
    await other.append("cost|version", [random(4)], { expectedVersion: version });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    meter.reset();
    const bare = await open().append("cost|version", [random(5)], { expectedVersion: 4 });
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
    expect(bare.capacity).toEqual(meter.total());
  });

  it("more than an item: 1 transaction, twice the units", async () => {
    const events = many(10, (seed) => ({ type: "Large", data: pseudoRandomText(seed, 60_000) }));
    const { capacity } = await store.append("cost|large", events, { expectedVersion: 0 });
    expect(meter.calls.map((call) => call.operation)).toEqual(["TransactWriteItems"]);
    expect(capacity).toEqual(meter.total());
    const plainKilobytes = 600_000 / 1024;
    expect(capacity.writeUnits).toBeLessThan(2 * plainKilobytes + 5);
  });

  it("a conflict known from an earlier append costs nothing; a lost race costs the write", async () => {
    await store.append("cost|conflict", [random(1)]);
    await store.append("cost|conflict", [random(2)]);
    meter.reset();
    const known = await store
      .append("cost|conflict", [random(3)], { expectedVersion: 1 })
      .catch((error: unknown) => error);
    expect(known).toMatchObject({
      code: "versionConflict",
      actual: 2,
      capacity: { requests: 0, writeUnits: 0 },
    });
    expect(meter.calls).toEqual([]);
    await open().append("cost|conflict", [random(3)]);
    meter.reset();
    const lost = await store
      .append("cost|conflict", [random(3)], { expectedVersion: 2 })
      .catch((error: unknown) => error);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    expect(lost).toMatchObject({ code: "versionConflict", actual: 3, capacity: meter.total() });
  });

  it("waiting appends of one process go into one put", async () => {
    await store.append("cost|group", [random(0)]);
    meter.reset();
    const results = await Promise.all(many(33, order).map((event) => store.append("cost|group", [event])));
    expect(meter.total().requests).toBe(2);
    const billed = results.reduce((total, { capacity }) => total + capacity.writeUnits, 0);
    expect(billed).toBe(meter.total().writeUnits);
    expect(billed).toBeLessThan(6);
  });
});

describe("load", () => {
  it("100 events, one commit each: 1 request, at most 5.5 RCU eventual and 11 strong", async () => {
    for (let number = 0; number < 100; number++) await store.append("cost|hundred", [random(number)]);
    for (const [consistency, limit] of [
      ["eventual", 5.5],
      ["strong", 11],
    ] as const) {
      meter.reset();
      const fold = { initialState: () => 0, evolve: (count: number) => count + 1 };
      const { state, capacity } = await open().load("cost|hundred", fold, { consistency });
      expect(state).toBe(100);
      expect(meter.total().requests).toBe(1);
      expect(meter.total().readUnits).toBeLessThanOrEqual(limit);
      expect(capacity).toEqual(meter.total());
    }
  });

  it("going on from an earlier result reads only what is new", async () => {
    const fold = { initialState: () => 0, evolve: (count: number) => count + 1 };
    const from = await store.load("cost|hundred", fold);
    meter.reset();
    await store.load("cost|hundred", fold, { from });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });

  it("leaving a read stops fetching", async () => {
    const reader = connect("costs");
    const own = meterCapacity(reader);
    for (let number = 0; number < 10; number++) {
      await store.append("cost|pages", [{ type: "Large", data: pseudoRandomText(number, 350_000) }]);
    }
    for await (const event of createEventStore({ client: reader }).read("cost|pages"))
      if (event.version === 1) break;
    // The first page, and at most the one that was fetched ahead, of four.
    expect(own.calls.length).toBeLessThanOrEqual(2);
  });

  it("a limit fetches no more than it takes", async () => {
    for (const direction of ["forward", "backward"] as const) {
      meter.reset();
      expect(await collect(open().read("cost|hundred", { direction, limit: 10 }))).toHaveLength(10);
      expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    }
  });
});

describe("command handler", () => {
  const decider = {
    initialState: () => 0,
    evolve: (count: number) => count + 1,
    decide: (command: number, count: number) => (count < command ? [order(count)] : []),
  };

  it("load and append: 2 requests; a decision for nothing: 1", async () => {
    const handle = createCommandHandler({ store: open(), decider });
    await handle("cost|command", 100);
    meter.reset();
    const { capacity } = await handle("cost|command", 100);
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
    expect(capacity).toEqual(meter.total());
    meter.reset();
    expect((await handle("cost|command", 0)).capacity).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });

  it("a conflict costs 1 request more: the winner's events come back with the refusal", async () => {
    let beforeAppend = async (): Promise<void> => undefined;
    const contested = createCommandHandler({
      store: open(),
      decider: {
        ...decider,
        decide: async (command: number, count: number) => {
          await beforeAppend();
          return decider.decide(command, count);
        },
      },
    });
    await contested("cost|contested", 100);
    beforeAppend = async () => {
      beforeAppend = async () => undefined;
      await store.append("cost|contested", many(3, order));
      meter.reset();
    };
    const { attempts, state, version } = await contested("cost|contested", 100);
    expect({ attempts, state, version }).toEqual({ attempts: 2, state: 5, version: 5 });
    expect(meter.calls.map((call) => call.operation)).toEqual(["PutItem", "PutItem"]);
  });
});

it("listing streams: 0.5 RCU a page, no read of the streams themselves", async () => {
  meter.reset();
  const names = await collect(store.listStreams("cost"));
  expect(names.length).toBeGreaterThan(5);
  expect(meter.total()).toEqual({ requests: 1, readUnits: 0.5, writeUnits: 0 });
});

describe("transact", () => {
  it("2 known streams of 1 event each: 1 request, 4 WCU", async () => {
    const streams = ["cost|t1", "cost|t2"];
    for (const streamId of streams) await store.append(streamId, [random(1)]);
    meter.reset();
    const { capacity } = await store.transact(
      streams.map((streamId) => ({ streamId, events: [random(2)], expectedVersion: 1 })),
    );
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 4 });
    expect(capacity).toEqual(meter.total());
  });

  it("2 new streams: 1 request, 2 WCU more for the index of streams", async () => {
    const { capacity } = await open().transact(
      ["cost|t3", "cost|t4"].map((streamId) => ({
        streamId,
        events: [random(1)],
        expectedVersion: "noStream",
      })),
    );
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 6 });
    expect(capacity).toEqual(meter.total());
  });

  it("a check of a known stream: 2 WCU and no request; of one that is not known: 1 request and 1 RCU more", async () => {
    await store.append("cost|t5", [random(1)]);
    await store.append("cost|t6", [random(1)]);
    const writes = (version: number) => [
      { streamId: "cost|t5", events: [random(2)], expectedVersion: version },
    ];
    meter.reset();
    const known = await store.transact(writes(1), { checks: [{ streamId: "cost|t6", expectedVersion: 1 }] });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 4 });
    expect(known.capacity).toEqual(meter.total());
    const cold = open();
    await collect(cold.read("cost|t5"));
    meter.reset();
    const unknown = await cold.transact(writes(2), { checks: [{ streamId: "cost|t6", expectedVersion: 1 }] });
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 4 });
    expect(unknown.capacity).toEqual(meter.total());
  });

  it("a check that a known stream exists, and one stream alone: what an append costs", async () => {
    await store.append("cost|t7", [random(1)]);
    meter.reset();
    const { capacity } = await store.transact(
      [{ streamId: "cost|t7", events: [random(2)], expectedVersion: 1 }],
      { checks: [{ streamId: "cost|t5", expectedVersion: "streamExists" }] },
    );
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    expect(capacity).toEqual(meter.total());
  });

  it("a conflict costs what the transaction would have; a repetition the refused write and 1 read of each other part", async () => {
    const [a, b] = ["cost|t8", "cost|t9"];
    const writes = [a, b].map((streamId) => ({ streamId, events: [random(1)], expectedVersion: 0 }));
    const commitId = createCommitId();
    await store.transact(writes, { commitId });
    await open().append(b, [random(2)]);
    meter.reset();
    const late = { streamId: b, events: [random(3)], expectedVersion: 1 };
    const lost = await store
      .transact([{ streamId: a, events: [random(3)], expectedVersion: 1 }, late])
      .catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: "transactConflict", conflicts: [{ streamId: b, actual: 2 }] });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 4 });
    expect(lost).toMatchObject({ capacity: meter.total() });
    meter.reset();
    const again = await open().transact(writes, { commitId });
    expect(again.duplicate).toBe(true);
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 4 });
    expect(again.capacity).toEqual(meter.total());
  });

  it("closing a stream without events: 1 request, 1 WCU", async () => {
    const { version } = await store.append("cost|closed", [random(1)]);
    meter.reset();
    const { capacity } = await store.append("cost|closed", [], { close: true, expectedVersion: version });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    expect(capacity).toEqual(meter.total());
    meter.reset();
    const refused = await store.append("cost|closed", [random(2)]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "streamClosed", capacity: { requests: 0 } });
    expect(meter.calls).toEqual([]);
  });
});

describe("snapshots", () => {
  interface Seen {
    readonly count: number;
    readonly text: string;
  }
  const counting = (text: string, every?: number): Fold<Seen, RecordedEvent> => ({
    initialState: () => ({ count: 0, text }),
    evolve: ({ count }) => ({ count: count + 1, text }),
    snapshot: { version: "1", every },
  });
  const appendNext = async (streamId: string, fold: Fold<Seen, RecordedEvent>) => {
    const loaded = await store.load(streamId, fold);
    const snapshot = snapshotAfter(fold, loaded);
    return store.append(streamId, [random(loaded.version)], { expectedVersion: loaded.version, snapshot });
  };

  it("a snapshot that fits into the append's last write unit costs nothing", async () => {
    const fold = counting(pseudoRandomText(1, 400));
    await store.append("cost|slack", [random(0)]);
    const { capacity, version } = await appendNext("cost|slack", fold);
    expect(capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    meter.reset();
    const loaded = await open().load("cost|slack", fold);
    expect(loaded).toMatchObject({ version, snapshotVersion: version });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });

  it("a stream of 10,000 events with a snapshot in its last commits: 1 request, 1 RCU", async () => {
    const streamId = "cost|long";
    for (let version = 0; version < 9_990; version += 999) {
      await store.append(streamId, many(999, order), { expectedVersion: version });
    }
    const fold = counting("");
    for (let version = 9_990; version < 10_000; version++) await appendNext(streamId, fold);
    meter.reset();
    const { state, version, capacity } = await open().load(streamId, fold);
    expect([state.count, version]).toEqual([10_000, 10_000]);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    expect(capacity).toEqual(meter.total());
  });

  it("every 3 events, one of 2 KB: rides at its price, 1 request and 1 RCU to load", async () => {
    const fold = counting(pseudoRandomText(1, 2_000), 3);
    await store.append("cost|every", [random(0)]);
    const units: number[] = [];
    for (let turn = 1; turn < 7; turn++)
      units.push((await appendNext("cost|every", fold)).capacity.writeUnits);
    expect(units).toEqual([1, 2, 1, 1, 2, 1]);
    meter.reset();
    const { capacity } = await open().load("cost|every", fold);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    expect(capacity).toEqual(meter.total());
  });

  it("a long `every` costs no more than the last commits, once a snapshot was seen to ride for free", async () => {
    const fold = counting(pseudoRandomText(1, 400), 50);
    await store.append("cost|rider", [random(0)]);
    for (let turn = 1; turn < 30; turn++) await appendNext("cost|rider", fold);
    meter.reset();
    const { version } = await open().load("cost|rider", fold);
    expect(version).toBe(30);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    meter.reset();
    // Another fold knows nothing of that yet: it reads as far back as a snapshot may be.
    await open().load("cost|rider", counting(pseudoRandomText(1, 400), 50));
    expect(meter.total()).toMatchObject({ requests: 1, readUnits: 6 });
  });

  it("one of 20 KB is put after the stream: 1 request and its price more; 1 request to load", async () => {
    const fold = counting(pseudoRandomText(1, 20_000), 3);
    await store.append("cost|apart", many(2, random));
    meter.reset();
    const { capacity } = await appendNext("cost|apart", fold);
    expect(capacity.writeUnits).toBe(1 + 15);
    expect(meter.total()).toMatchObject({ requests: 3, writeUnits: 1 + 15 });
    await appendNext("cost|apart", fold);
    meter.reset();
    const loaded = await open().load("cost|apart", fold);
    expect(loaded).toMatchObject({ version: 4, snapshotVersion: 3, capacity: { requests: 1, readUnits: 5 } });
    expect(meter.total()).toEqual(loaded.capacity);
  });

  it("truncating: 1 WCU for each KB of each append, and reads of what goes", async () => {
    const fold = counting("");
    for (let version = 0; version < 5; version++)
      await store.append("cost|truncate", [random(version)], { expectedVersion: version });
    meter.reset();
    const { firstVersion, capacity } = await store.truncate("cost|truncate", fold, { before: 5 });
    expect(firstVersion).toBe(5);
    expect(meter.total()).toEqual({ requests: 8, readUnits: 4, writeUnits: 4 });
    expect(capacity).toEqual(meter.total());
  });
});
