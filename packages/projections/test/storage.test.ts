import { DescribeTableCommand, DescribeTimeToLiveCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { meterCapacity, SYSTEM_RUNTIME } from "@tuppence/core";
import { beforeAll, describe, expect, it } from "vitest";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import { type Fate, interceptCalls } from "./intercept-calls.ts";
import { describeProjectionStorage, putOf, recordOf } from "./storage-contract.ts";
import { connect } from "@tuppence/test-support/database";

const DATABASE = "documentstorage";
const STRONG = { consistency: "strong" } as const;
const EVENTUAL = { consistency: "eventual" } as const;

describeProjectionStorage("memory", () => createMemoryProjectionStorage());
describeProjectionStorage("DynamoDB", () => createDynamoDBProjectionStorage(connect(DATABASE), "contract"));

const storageOf = (client = connect(DATABASE)): ReturnType<typeof createDynamoDBProjectionStorage> =>
  createDynamoDBProjectionStorage(client, "own", { ...SYSTEM_RUNTIME, sleep: async () => {} });

beforeAll(() => storageOf().ensureTables());

describe("documents in DynamoDB", () => {
  it("have a table with TTL and without a stream", async () => {
    const client = connect(DATABASE);
    const { Table } = await client.send(new DescribeTableCommand({ TableName: "own-documents" }));
    expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
    expect(Table?.StreamSpecification).toBeUndefined();
    const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName: "own-documents" }));
    expect(ttl.TimeToLiveDescription).toMatchObject({ AttributeName: "ttl", TimeToLiveStatus: "ENABLED" });
  });

  it("keep the trace of one that was taken away for a week", async () => {
    const client = connect(DATABASE);
    const now = 1_700_000_000_123;
    const storage = createDynamoDBProjectionStorage(client, "own", { ...SYSTEM_RUNTIME, now: () => now });
    const partition = "ttl@1|0";
    const ttl = async (): Promise<string | undefined> => {
      const Key = { p: { S: partition }, s: { S: "k" } };
      const { Item } = await client.send(new GetItemCommand({ TableName: "own-documents", Key }));
      return Item?.["ttl"]?.N;
    };
    await storage.documents.put(putOf("k", recordOf(1), partition));
    expect(await ttl()).toBeUndefined();
    await storage.documents.put(putOf("k", recordOf(undefined, { revision: 2 }), partition));
    expect(await ttl()).toBe(String(1_700_000_000 + 7 * 24 * 3_600));
    await storage.documents.put(putOf("k", recordOf(1, { revision: 3 }), partition));
    expect(await ttl()).toBeUndefined();
  });

  it("cost what they should", async () => {
    const client = connect(DATABASE);
    const storage = storageOf(client);
    const { documents } = storage;
    const meter = meterCapacity(client);
    const partition = "costs@1|0";
    const costOf = async (work: () => Promise<unknown>): Promise<object> => {
      meter.reset();
      await work();
      return meter.total();
    };
    const kilobyte = recordOf("x".repeat(950));
    expect(await costOf(() => documents.put(putOf("small", kilobyte, partition)))).toEqual({
      requests: 1,
      readUnits: 0,
      writeUnits: 1,
    });
    expect(await costOf(() => documents.put(putOf("small", kilobyte, partition)))).toMatchObject({
      writeUnits: 1,
    });
    const lines = Array.from({ length: 200 }, (_, line) => ({ line, name: `line ${line}` }));
    expect(JSON.stringify(lines).length).toBeGreaterThan(5 * 1_024);
    expect(await costOf(() => documents.put(putOf("large", recordOf(lines), partition)))).toMatchObject({
      writeUnits: 1,
    });
    expect(
      await costOf(() =>
        storage.transact({
          control: [{ key: { partition: "costs", sort: "position" }, where: {}, set: { at: 1 } }],
          documents: [putOf("other", kilobyte, partition)],
        }),
      ),
    ).toMatchObject({ requests: 1, writeUnits: 4 });
    expect(await costOf(() => documents.getMany(partition, ["small"], EVENTUAL))).toEqual({
      requests: 1,
      readUnits: 0.5,
      writeUnits: 0,
    });
    const keys = Array.from({ length: 100 }, (_, index) => String(index));
    await Promise.all(keys.map((key) => documents.put(putOf(key, recordOf(key), partition))));
    expect(await costOf(() => documents.getMany(partition, keys, EVENTUAL))).toMatchObject({
      requests: 1,
      readUnits: 50,
    });
    expect(await costOf(() => documents.getMany(partition, keys, STRONG))).toMatchObject({
      requests: 1,
      readUnits: 100,
    });
    expect(await costOf(() => documents.list(partition, { ...EVENTUAL, limit: 50 }))).toMatchObject({
      requests: 1,
      readUnits: 0.5,
    });
  });

  it("refuse what does not fit before anything is sent", async () => {
    const client = connect(DATABASE);
    const storage = storageOf(client);
    const { documents } = storage;
    const meter = meterCapacity(client);
    const noise = Array.from({ length: 30_000 }, () => crypto.randomUUID()).join("");
    const large = putOf("k", recordOf(noise), "large@1|0");
    const tooLarge = { code: "documentTooLarge", key: "k", maxBytes: 400 * 1_024 };
    await expect(documents.put(large)).rejects.toMatchObject(tooLarge);
    expect(() => documents.checkSize(large)).toThrow(expect.objectContaining(tooLarge));
    await expect(storage.transact({ control: [], documents: [large] })).rejects.toMatchObject(tooLarge);
    // What fits once it is compressed is taken.
    const fits = putOf("k", recordOf("y".repeat(1_000_000)), "large@1|0");
    documents.checkSize(fits);
    expect(await documents.put(fits)).toEqual({ applied: true });
    for (const key of ["", "ü".repeat(513), "half \ud834"]) {
      const put = putOf(key, recordOf(1), "large@1|0");
      await expect(documents.put(put)).rejects.toMatchObject({ code: "invalidDocument", key });
      await expect(documents.getMany("large@1|0", ["a", key], STRONG)).rejects.toMatchObject({ key });
      expect(() => documents.checkSize(put)).toThrow(expect.objectContaining({ code: "invalidDocument" }));
    }
    expect(meter.calls.length).toBe(1);
  });

  it("tell when a table is missing", async () => {
    const { documents } = createDynamoDBProjectionStorage(connect(DATABASE), "nowhere");
    const missing = { code: "tableMissing", tableName: "nowhere-documents" };
    for (const failing of [
      () => documents.put(putOf("k", recordOf(1), "p")),
      () => documents.getMany("p", ["k"], STRONG),
      () => documents.getMany("p", ["k", "l"], STRONG),
      () => documents.list("p", STRONG),
      () => documents.deleteMany("p", ["k"]),
    ]) {
      await expect(failing()).rejects.toMatchObject(missing);
    }
  });
});

describe("documents in DynamoDB that fails", () => {
  it("tell of an unknown outcome, and pass throttling through", async () => {
    const client = connect(DATABASE);
    const { documents } = storageOf(client);
    let fate: Fate = "pass";
    interceptCalls(client, (_, send) => send(fate));
    const put = (revision: number): Promise<unknown> =>
      documents.put(putOf("k", recordOf(revision, { revision }), "faults@1|0"));
    fate = "lost after";
    await expect(put(1)).rejects.toMatchObject({ mayBeWritten: true });
    fate = "pass";
    expect(await put(1)).toEqual({ applied: false, found: recordOf(1) });
    fate = "throttled";
    await expect(put(2)).rejects.toMatchObject({ name: "ProvisionedThroughputExceededException" });
    await expect(documents.getMany("faults@1|0", ["k", "l"], STRONG)).rejects.toMatchObject({
      name: "ProvisionedThroughputExceededException",
    });
  });

  it("send again what was not processed, and by itself what stays so", async () => {
    const client = connect(DATABASE);
    const { documents } = storageOf(client);
    const partition = "unprocessed@1|0";
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    const put = (): Promise<unknown> =>
      Promise.all(keys.map((key) => documents.put(putOf(key, recordOf(key), partition))));
    await put();
    const seen: string[] = [];
    let processed = 7;
    interceptCalls(client, async (call, send) => {
      seen.push(call.operation);
      if (!call.operation.startsWith("Batch")) return send("pass");
      // Only some are processed; the reply says which are left.
      const left = call.takeOnly(processed);
      const result = await send("pass");
      return call.withLeft(result, left);
    });
    expect((await documents.getMany(partition, keys, STRONG)).size).toBe(20);
    expect(seen).toEqual(["BatchGetItem", "BatchGetItem", "BatchGetItem"]);
    processed = 1;
    seen.splice(0);
    expect((await documents.getMany(partition, keys, STRONG)).size).toBe(20);
    expect(seen.filter((operation) => operation === "BatchGetItem")).toHaveLength(8);
    expect(seen.filter((operation) => operation === "GetItem")).toHaveLength(12);
    for (const count of [7, 1]) {
      processed = count;
      await documents.deleteMany(partition, keys);
      expect((await documents.list(partition, STRONG)).documents).toEqual([]);
      await put();
    }
  });
});
