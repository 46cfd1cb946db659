import { createEventStore, meterCapacity } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { documentsOf, slotOf } from "../src/builds/names.ts";
import { compareKeys } from "../src/documents/compare-keys.ts";
import { createDocuments } from "../src/documents/documents.ts";
import { createMemoryProjectionStorage, defineProjection } from "../src/index.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";
import { PlacedProjection, scriptedTime } from "./placed-build.ts";
import { connect } from "@tuppence/test-support/database";

interface Count {
  readonly count: number;
}

function counts(
  version = 1,
  schema?: z.ZodType<Count, Count>,
): ReturnType<typeof defineProjection<never, never, Count>> {
  return defineProjection({
    name: "counts",
    version,
    schema,
    key: () => "k",
    initialState: (): Count => ({ count: 0 }),
    evolve: ({ count }): Count => ({ count: count + 1 }),
  });
}

function place(storage: ProjectionStorage = createMemoryProjectionStorage()): PlacedProjection {
  return new PlacedProjection(storage, "counts");
}

/** Asks no more than it has to: tells of each list of documents. */
function spyOnLists(storage: ProjectionStorage, onList: (partition: string) => unknown): ProjectionStorage {
  const { documents } = storage;
  return {
    ...storage,
    documents: {
      ...documents,
      list: async (partition, options) => {
        await onList(partition);
        return documents.list(partition, options);
      },
    },
  };
}

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe("documents", () => {
  it("are those of the live build, without what was taken away", async () => {
    const placed = place();
    const documents = createDocuments(counts(), { storage: placed.storage });
    await expect(documents.get("a")).rejects.toMatchObject({ code: "projectionMissing", retryable: true });
    await placed.flip({ number: 2, slots: 4 });
    for (const [key, count] of Object.entries({ a: 1, b: 2, c: 3 })) {
      await placed.put(key, { count }, { build: 2, slots: 4 });
      await placed.put(key, { count: -1 }, { build: 1, slots: 4 });
    }
    await placed.put("gone", undefined, { build: 2, slots: 4 });
    expect(await documents.get("a")).toEqual({ count: 1 });
    expect(await documents.get("gone")).toBeUndefined();
    expect(await documents.get("never")).toBeUndefined();
    expect(await documents.getMany(["a", "c", "gone", "never"])).toEqual(
      new Map([
        ["a", { count: 1 }],
        ["c", { count: 3 }],
      ]),
    );
    expect(await collect(documents.list())).toEqual([
      { key: "a", document: { count: 1 } },
      { key: "b", document: { count: 2 } },
      { key: "c", document: { count: 3 } },
    ]);
  });

  it("are of the build that was live a second ago, at most", async () => {
    const placed = place();
    const steps = scriptedTime();
    const documents = createDocuments(counts(), { storage: placed.storage, runtime: steps.runtime });
    await placed.flip();
    await placed.put("a", { count: 1 });
    await placed.put("a", { count: 2 }, { build: 2 });
    expect(await documents.get("a")).toEqual({ count: 1 });
    await placed.flip({ number: 2 });
    await steps.runtime.sleep?.(999);
    expect(await documents.get("a")).toEqual({ count: 1 });
    await steps.runtime.sleep?.(1);
    expect(await documents.get("a")).toEqual({ count: 2 });
  });

  it("of another version are given when they fit the schema", async () => {
    const placed = place();
    await placed.flip({ version: 2 });
    await placed.put("fits", { count: 1, more: true });
    await placed.put("not", { count: "many" });
    const { storage } = placed;
    const plain = createDocuments(counts(3), { storage });
    const newer = { code: "projectionVersion", definedVersion: 3, liveVersion: 2, retryable: true };
    for (const read of [
      () => plain.get("never"),
      () => plain.getMany([]),
      () => collect(plain.list()),
      () => plain.waitFor("k", 0),
    ]) {
      await expect(read()).rejects.toMatchObject(newer);
    }
    const older = createDocuments(counts(1, z.object({ count: z.number() })), { storage });
    expect(await older.get("fits")).toEqual({ count: 1, more: true });
    expect(await older.get("never")).toBeUndefined();
    await expect(older.get("not")).rejects.toMatchObject({ code: "projectionVersion", retryable: false });
    await expect(collect(older.list())).rejects.toMatchObject({ code: "projectionVersion" });
    // Of its own version nothing is checked: it was when it was stored.
    expect(await createDocuments(counts(2), { storage }).get("not")).toEqual({ count: "many" });
  });

  it("of what has none are refused", () => {
    const reactor = defineProjection({ name: "mails", version: 1, react: () => undefined });
    expect(() => createDocuments(reactor as never, { storage: createMemoryProjectionStorage() })).toThrow(
      TypeError,
    );
  });
});

describe("a list of documents", () => {
  const KEYS = Array.from({ length: 60 }, (_, index) => `${["a", "b", "\uffee", "𝄞"][index % 4]}/${index}`);
  const inOrder = KEYS.toSorted(compareKeys);
  const keysOf = async (list: AsyncIterable<{ readonly key: string }>): Promise<string[]> =>
    (await collect(list)).map(({ key }) => key);

  it("is in order over all slots, from a key on, by prefix and up to a limit", async () => {
    const placed = place();
    await placed.flip({ slots: 7 });
    for (const key of KEYS) await placed.put(key, { count: 1 }, { slots: 7 });
    await placed.put("a/gone", undefined, { slots: 7 });
    const documents = createDocuments(counts(), { storage: placed.storage });
    expect(await keysOf(documents.list())).toEqual(inOrder);
    expect(await keysOf(documents.list({ consistency: "strong", limit: 5 }))).toEqual(inOrder.slice(0, 5));
    const after = inOrder[20];
    expect(await keysOf(documents.list({ after }))).toEqual(inOrder.slice(21));
    const prefix = "\uffee/";
    expect(await keysOf(documents.list({ prefix, limit: 3, after: `${prefix}2` }))).toEqual(
      inOrder.filter((key) => key.startsWith(prefix) && compareKeys(key, `${prefix}2`) > 0).slice(0, 3),
    );
    expect(() => documents.list({ limit: 0 })).not.toThrow();
    await expect(keysOf(documents.list({ limit: 0 }))).rejects.toThrow(RangeError);
  });

  it("fetches a slot's next page when it is needed, and nothing once it is left", async () => {
    const placed = place();
    await placed.flip({ slots: 2 });
    for (const key of KEYS) await placed.put(key, { count: 1 }, { slots: 2 });
    const lists: string[] = [];
    const storage = spyOnLists(placed.storage, (partition) => lists.push(partition));
    const documents = createDocuments(counts(), { storage });
    const seen: string[] = [];
    for await (const { key } of documents.list()) {
      seen.push(key);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(inOrder.slice(0, 3));
    expect(lists.toSorted(compareKeys)).toEqual([0, 1].map((slot) => documentsOf("counts", 1, slot)));
    // Three at a time: more than one page of some slot.
    lists.splice(0);
    expect(await keysOf(documents.list({ limit: 3, after: inOrder[9] }))).toEqual(inOrder.slice(10, 13));
    expect(lists.length).toBe(2);
  });

  it("goes on with the build that becomes live meanwhile, even if the other is taken away", async () => {
    const placed = place();
    const steps = scriptedTime();
    await placed.flip({ slots: 2 });
    for (let index = 0; index < 1_200; index++) {
      const key = `k/${String(index).padStart(4, "0")}`;
      await placed.put(key, { count: 1 }, { slots: 2 });
      await placed.put(key, { count: 2 }, { build: 2, slots: 3 });
    }
    const documents = createDocuments(counts(), { storage: placed.storage, runtime: steps.runtime });
    const seen: string[] = [];
    const builds = new Set<number>();
    for await (const { key, document } of documents.list()) {
      seen.push(key);
      builds.add(document.count);
      if (seen.length !== 100) continue;
      await placed.flip({ number: 2, slots: 3 });
      for (const slot of [0, 1]) {
        const partition = documentsOf("counts", 1, slot);
        const { documents: old } = await placed.storage.documents.list(partition, {
          consistency: "strong",
          limit: 2_000,
        });
        await placed.storage.documents.deleteMany(
          partition,
          old.map(([each]) => each),
        );
      }
      await steps.runtime.sleep?.(1_000);
    }
    expect(seen).toEqual(Array.from({ length: 1_200 }, (_, index) => `k/${String(index).padStart(4, "0")}`));
    expect(builds).toEqual(new Set([1, 2]));
  });
});

describe("documents in DynamoDB", () => {
  it("are got, listed and waited for, for what they should cost", async () => {
    const client = connect("documents");
    const storage = createDynamoDBProjectionStorage(client, "tuppence");
    await storage.ensureTables();
    const placed = place(storage);
    await placed.flip({ slots: 2 });
    const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`);
    for (const key of keys) await placed.put(key, { count: 1 }, { slots: 2, position: 5 });
    const store = createEventStore({ client });
    const documents = createDocuments(counts(), { storage, store });
    const meter = meterCapacity(client);
    const costs = (): object => {
      const total = meter.total();
      meter.reset();
      return total;
    };
    expect(await documents.get("key 1")).toEqual({ count: 1 });
    // The registration is read as well.
    expect(costs()).toEqual({ requests: 2, readUnits: 1.5, writeUnits: 0 });
    await documents.get("key 1", { consistency: "strong" });
    expect(costs()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    expect((await documents.getMany(keys)).size).toBe(12);
    expect(costs()).toEqual({ requests: 2, readUnits: 6, writeUnits: 0 });
    expect((await collect(documents.list())).map(({ key }) => key)).toEqual(keys.toSorted(compareKeys));
    expect(costs()).toEqual({ requests: 2, readUnits: 1, writeUnits: 0 });
    // Its document says so itself.
    expect(await documents.waitFor("key 1", 5)).toEqual({ count: 1 });
    expect(costs()).toEqual({ requests: 3, readUnits: 3, writeUnits: 0 });
    const slot = slotOf("key 1", 2);
    const waiting = documents.waitFor("key 1", 6, { pollIntervalMs: 10 });
    await expect(documents.waitFor("key 1", 6, { timeoutMs: 50, pollIntervalMs: 10 })).rejects.toMatchObject({
      code: "waitTimeout",
    });
    await placed.moveSlot(7, { slot });
    expect(await waiting).toEqual({ count: 1 });
  });
});
