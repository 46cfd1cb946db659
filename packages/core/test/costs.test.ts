import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import {
  createCommandHandler,
  createEventStore,
  eventsTable,
  meterCapacity,
  type NewEvent,
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
