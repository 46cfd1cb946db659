import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collect, counted, newStreamId, pseudoRandomText } from "../src/contract/fixtures.ts";
import {
  type AlsoWrite,
  createEventStore,
  eventsTable,
  type ExpectedVersion,
  meterCapacity,
  type RecordedEvent,
  snapshotAfter,
} from "../src/index.ts";
import { createMemoryEventStore } from "../src/memory/index.ts";
import type { EventStore } from "../src/store/event-store.ts";
import {
  ALSO_TABLE,
  counting,
  countOf,
  createAlsoTable,
  exists,
  findDocument,
  putNew,
} from "./also-table.ts";
import { connect } from "./test-database.ts";

/** Writes to another table, made together with an append or not at all. */

const DATABASE = "alsowrites";
const client = connect(DATABASE);
const meter = meterCapacity(client, { tables: [eventsTable()] });
const open = (): EventStore => createEventStore({ client });

beforeAll(async () => {
  await Promise.all([open().ensureTables(), createAlsoTable(client)]);
});

beforeEach(() => meter.reset());

const count = (id: string): Promise<number> => countOf(client, counting(id));
const versionsOf = async (streamId: string): Promise<number[]> =>
  (await collect(open().read(streamId))).map(({ version }) => version);

/** A store that takes a stream to be where it was before another one appended. */
async function stale(streamId: string): Promise<EventStore> {
  const store = open();
  await store.append(streamId, counted(1));
  await open().append(streamId, counted(2));
  return store;
}

const kept = (id: string): AlsoWrite => ({
  Put: { TableName: ALSO_TABLE, Item: { id: { S: id }, text: { S: pseudoRandomText(1, 2_500) } } },
});
const gone = (id: string): AlsoWrite => ({ Delete: { TableName: ALSO_TABLE, Key: { id: { S: id } } } });

describe("an append and other writes", () => {
  it.each([false, true])(
    "are made together; the capacity counts all (lean requests: %s)",
    async (leanRequests) => {
      const streamId = newStreamId();
      const [a, b, c] = [`${streamId}-a`, `${streamId}-b`, `${streamId}-c`];
      const store = createEventStore({ client, leanRequests });
      await store.append(streamId, counted(1), { also: [putNew(b), putNew(c)], expectedVersion: "noStream" });
      meter.reset();
      const also = [kept(a), counting(b), gone(c), exists(streamId + "-b2")];
      await store.append(newStreamId(), counted(1), { also: [putNew(`${streamId}-b2`)] });
      meter.reset();
      const { version, capacity, duplicate } = await store.append(streamId, counted(2, 3), {
        also,
        expectedVersion: 1,
      });
      expect({ version, duplicate }).toEqual({ version: 3, duplicate: false });
      // 2 for the item, 6 for the document of 2.5 KB, 2 for each of the others.
      expect(capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 14 });
      expect(meter.total()).toEqual(capacity);
      expect(await findDocument(client, a)).toEqual(also[0]?.Put?.Item);
      expect(await count(b)).toBe(1);
      expect(await findDocument(client, c)).toBeUndefined();
      expect(await versionsOf(streamId)).toEqual([1, 2, 3]);
    },
  );

  it("are made at any version, at one that exists, with a close and with a snapshot", async () => {
    const streamId = newStreamId();
    const also = [counting(streamId)];
    const store = open();
    await store.append(streamId, counted(1), { also });
    await store.append(streamId, counted(2), { also, expectedVersion: "streamExists" });
    const fold = {
      initialState: () => 0,
      evolve: (sum: number) => sum + 1,
      snapshot: { version: "1", every: 1 },
    };
    const loaded = await store.load(streamId, fold);
    const snapshot = snapshotAfter(fold, loaded);
    const { snapshotVersion } = await store.append(streamId, counted(3), {
      also,
      expectedVersion: 2,
      snapshot,
    });
    expect(snapshotVersion).toBe(3);
    expect(await open().load(streamId, fold)).toMatchObject({ state: 3, foldedAfter: 3 });
    await store.append(streamId, [], { also, close: true });
    await expect(store.append(streamId, counted(4), { also })).rejects.toMatchObject({
      code: "streamClosed",
    });
    await expect(open().append(streamId, counted(4), { also })).rejects.toMatchObject({
      code: "streamClosed",
    });
    expect(await count(streamId)).toBe(4);
  });

  it("are made with an append of several items", async () => {
    const streamId = newStreamId();
    const events = [1, 2, 3].map((seed) => ({ type: "Large", data: pseudoRandomText(seed, 300_000) }));
    const { version } = await open().append(streamId, events, { also: [counting(streamId)] });
    expect(version).toBe(3);
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["Query", "TransactWriteItems"]);
    expect(await versionsOf(streamId)).toEqual([1, 2, 3]);
    expect(await count(streamId)).toBe(1);
  });

  it("are made with a transaction over streams; the capacity counts all", async () => {
    const [a, b, c] = [newStreamId(), newStreamId(), newStreamId()];
    const writes = [a, b].map((streamId) => ({ streamId, events: counted(1), expectedVersion: 0 }));
    const checks = [{ streamId: c, expectedVersion: 0 }];
    const { capacity } = await open().transact(writes, { checks, also: [counting(a)] });
    expect(capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 10 });
    expect(meter.total()).toEqual(capacity);
    expect(await versionsOf(b)).toEqual([1]);
    expect(await count(a)).toBe(1);
  });

  it("share no put with others; an empty list is none", async () => {
    const streamId = newStreamId();
    const store = open();
    await store.append(streamId, counted(1));
    meter.reset();
    await Promise.all([1, 2, 3, 4].map((number) => store.append(streamId, counted(number), { also: [] })));
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["PutItem", "PutItem"]);
  });
});

describe("other writes that follow from the place of the append", () => {
  /** Keeps what it is asked for. */
  const asked = (also: (id: string) => AlsoWrite) => {
    const events: (readonly RecordedEvent[])[] = [];
    return {
      events,
      also: (stored: readonly RecordedEvent[]) => {
        events.push(stored);
        return stored.map(({ eventId }) => also(eventId));
      },
    };
  };

  it("get the events exactly as they will be stored", async () => {
    const streamId = newStreamId();
    const own = asked(counting);
    const metadata = { by: "me" };
    const { events } = await open().append(streamId, counted(1, 2), { also: own.also, metadata });
    expect(own.events).toEqual([events]);
    expect(events).toEqual(await collect(open().read(streamId)));
    expect(await Promise.all(events.map(({ eventId }) => count(eventId)))).toEqual([1, 1]);
  });

  it("are asked for again with each other place, whatever became of the writes for the one before", async () => {
    const streamId = newStreamId();
    const store = await stale(streamId);
    const own = asked((id) => counting(id));
    const also = (events: readonly RecordedEvent[]): AlsoWrite[] => [
      ...own.also(events),
      events[0]?.version === 2 ? exists(`${streamId}-none`) : counting(`${streamId}-other`),
    ];
    const { version } = await store.append(streamId, counted(3), { also });
    expect(version).toBe(3);
    expect(own.events.map(([event]) => event?.version)).toEqual([2, 3]);
    expect(own.events[1]).toEqual((await collect(open().read(streamId))).slice(-1));
    expect(await count(`${streamId}-other`)).toBe(1);
  });

  it("refuse the append by what they throw, and by their conditions", async () => {
    const streamId = newStreamId();
    const failing = open().append(streamId, counted(1), { also: () => Promise.reject(new Error("no")) });
    await expect(failing).rejects.toThrow("no");
    const refused = open().append(streamId, counted(1), { also: () => [exists(`${streamId}-none`)] });
    await expect(refused).rejects.toMatchObject({ code: "writeRefused", indexes: [0] });
    const wrong = open().append(streamId, counted(1), { also: () => [{}] });
    await expect(wrong).rejects.toThrow(/also\[0\] has to be one of Put/);
    expect(await open().streamExists(streamId)).toBe(false);
  });

  it("may be none: then it is a put like others", async () => {
    await open().append(newStreamId(), counted(1), { also: () => [], expectedVersion: "noStream" });
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["PutItem"]);
  });

  it("are not for stores in memory, nor for transactions over streams", async () => {
    const also = (): AlsoWrite[] => [];
    await expect(createMemoryEventStore().append("a|1", counted(1), { also })).rejects.toThrow(
      /no other tables/,
    );
    const options = { also: also as never };
    await expect(open().transact([{ streamId: "a|1", events: counted(1) }], options)).rejects.toThrow(
      "`also` is a function; it has to be a list of writes.",
    );
  });
});

describe("a condition that does not hold", () => {
  it("refuses the append: nothing is written, and what was found comes back", async () => {
    const streamId = newStreamId();
    const store = open();
    await store.append(streamId, counted(1), { also: [putNew(streamId, { by: { S: "first" } })] });
    const also = [counting(`${streamId}-counter`), exists(`${streamId}-none`), putNew(streamId)];
    for (const expectedVersion of [1, "any", "streamExists"] as const) {
      meter.reset();
      const refused = store.append(streamId, counted(2), { also, expectedVersion });
      await expect(refused).rejects.toMatchObject({
        name: "WriteRefusedError",
        code: "writeRefused",
        retryable: false,
        indexes: [1, 2],
        items: [undefined, { id: { S: streamId }, by: { S: "first" } }],
        capacity: { requests: 1, readUnits: 0, writeUnits: 8 },
        message: expect.stringContaining('also[1] (ConditionCheck in table "documents"), also[2] (Put in'),
      });
      expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 8 });
    }
    expect(await versionsOf(streamId)).toEqual([1]);
    expect(await count(`${streamId}-counter`)).toBe(0);
    expect((await store.append(streamId, counted(2), { expectedVersion: 1 })).version).toBe(2);
  });

  it("refuses a transaction over streams", async () => {
    const [a, b] = [newStreamId(), newStreamId()];
    const writes = [a, b].map((streamId) => ({ streamId, events: counted(1) }));
    const refused = open().transact(writes, { also: [exists(`${a}-none`)] });
    await expect(refused).rejects.toMatchObject({ code: "writeRefused", indexes: [0], items: [undefined] });
    expect(await open().streamExists(a)).toBe(false);
  });

  it.each<ExpectedVersion>([1, "noStream"])(
    "comes after a version conflict (%s)",
    async (expectedVersion) => {
      const streamId = newStreamId();
      const store = await stale(streamId);
      const also = [exists(`${streamId}-none`)];
      const one = store.append(streamId, counted(3), { expectedVersion, also });
      await expect(one).rejects.toMatchObject({ code: "versionConflict", actual: 2 });
      const two = store.transact([{ streamId, events: counted(3), expectedVersion }], { also });
      await expect(two).rejects.toMatchObject({ code: "transactConflict", conflicts: [{ actual: 2 }] });
    },
  );

  it("comes after the end of a stream", async () => {
    const streamId = newStreamId();
    const store = open();
    await store.append(streamId, counted(1));
    await open().append(streamId, counted(2), { close: true });
    const closed = store.append(streamId, counted(3), { also: [exists(`${streamId}-none`)] });
    await expect(closed).rejects.toMatchObject({ code: "streamClosed", version: 2 });
  });

  it("ends a race for the next slot, which a taken slot alone does not", async () => {
    const streamId = newStreamId();
    const refused = (await stale(streamId)).append(streamId, counted(3), {
      also: [exists(`${streamId}-none`)],
    });
    await expect(refused).rejects.toMatchObject({ code: "writeRefused", capacity: { requests: 1 } });
    const other = newStreamId();
    const result = await (await stale(other)).append(other, counted(3), { also: [counting(other)] });
    expect(result).toMatchObject({ version: 3, capacity: { requests: 2 } });
    expect(await count(other)).toBe(1);
  });
});

describe("limits", () => {
  const many = (streamId: string, length: number): AlsoWrite[] =>
    Array.from({ length }, (_, number) => counting(`${streamId}-${number}`));

  it("100 actions, the append's items included", async () => {
    const streamId = newStreamId();
    await open().append(streamId, counted(1), { also: many(streamId, 99) });
    meter.reset();
    const tooLarge = { code: "transactionTooLarge", size: 101, limit: 100, limitOf: "actions" };
    const also = many(streamId, 100);
    const one = open().append(streamId, counted(2), { also, expectedVersion: "noStream" });
    await expect(one).rejects.toMatchObject(tooLarge);
    const writes = [{ streamId, events: counted(2), expectedVersion: "noStream" }] as const;
    await expect(open().transact(writes, { also })).rejects.toMatchObject(tooLarge);
    expect(meter.calls).toEqual([]);
  });

  it("4 MB, of what is put and of what other writes say", async () => {
    const streamId = newStreamId();
    const text = { S: pseudoRandomText(1, 390_000) };
    const puts = Array.from({ length: 10 }, (_, number) => putNew(`${streamId}-${number}`, { text }));
    const update: AlsoWrite = {
      Update: {
        TableName: ALSO_TABLE,
        Key: { id: { S: streamId } },
        UpdateExpression: "SET body = :body",
        ExpressionAttributeValues: { ":body": text },
      },
    };
    const options = { also: [...puts, update], expectedVersion: "noStream" } as const;
    const refused = open().append(streamId, counted(1), options);
    await expect(refused).rejects.toMatchObject({ code: "transactionTooLarge", limitOf: "transaction" });
    expect(meter.calls).toEqual([]);
  });
});

describe("what DynamoDB refuses itself", () => {
  it("is the SDK's error, and nothing is written", async () => {
    const streamId = newStreamId();
    const options = (also: readonly AlsoWrite[]) => ({ also, expectedVersion: "noStream" }) as const;
    const twice = open().append(streamId, counted(1), options([counting(streamId), gone(streamId)]));
    await expect(twice).rejects.toMatchObject({ name: "ValidationException" });
    const wrongKey: AlsoWrite = { Put: { TableName: ALSO_TABLE, Item: { name: { S: "no id" } } } };
    const invalid = open().append(streamId, counted(1), options([counting(streamId), wrongKey]));
    await expect(invalid).rejects.toMatchObject({
      name: expect.stringMatching(/^(ValidationException|TransactionCanceledException)$/),
    });
    const elsewhere: AlsoWrite = { Put: { TableName: "not-there", Item: { id: { S: "1" } } } };
    const missing = open().append(streamId, counted(1), options([elsewhere]));
    await expect(missing).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    expect(await open().streamExists(streamId)).toBe(false);
    expect(await count(streamId)).toBe(0);
  });
});

describe("what can't be is a TypeError at once", () => {
  it("in a store in memory", async () => {
    const store = createMemoryEventStore();
    const also = [counting("memory")];
    await expect(store.append("memory|1", counted(1), { also })).rejects.toThrow(TypeError);
    const writes = [{ streamId: "memory|1", events: counted(1) }];
    await expect(store.transact(writes, { also })).rejects.toThrow(/no other tables/);
    expect(await store.streamExists("memory|1")).toBe(false);
    await store.append("memory|1", counted(1), { also: [] });
  });

  it.each<[string, unknown, RegExp]>([
    ["no write", {}, /also\[0\] has to be one of Put, .*; it has nothing/],
    ["a read", { Get: {} }, /it has Get/],
    ["two in one", { ...counting("x"), ...gone("x") }, /it has Update and Delete/],
    ["a document client's values", { Put: { TableName: "x", Item: { id: "x" } } }, /no attribute value/],
  ])("%s", async (_, write, message) => {
    const streamId = newStreamId();
    const also = [write as AlsoWrite];
    await expect(open().append(streamId, counted(1), { also })).rejects.toThrow(TypeError);
    await expect(open().transact([{ streamId, events: counted(1) }], { also })).rejects.toThrow(message);
    expect(meter.calls).toEqual([]);
  });

  it("a transaction that only checks", async () => {
    const only = open().transact([], {
      checks: [{ streamId: "a|1", expectedVersion: 0 }],
      also: [counting("x")],
    });
    await expect(only).rejects.toThrow(/only checks/);
  });
});
