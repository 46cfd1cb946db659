import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateTableCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { startDynamoDBLocal } from "@tuppence/local";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  createStreamWorker,
  type StreamWorker,
  type StreamWorkerOptions,
  type WorkerEvent,
} from "../src/index.ts";
import { compareSequenceNumbers } from "../src/worker/sequence-number.ts";

const server = await startDynamoDBLocal({ log: false });
const config = server.clientConfig("streamworker");
const client = new DynamoDBClient(config);
const streams = new DynamoDBStreamsClient(config);

async function createTable(tableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: tableName });
}

async function put(tableName: string, key: number): Promise<void> {
  await client.send(new PutItemCommand({ TableName: tableName, Item: { p: { S: String(key) } } }));
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("a worker on DynamoDB Local", () => {
  const workerOn = async (
    tableName: string,
    handled: string[],
    options: Partial<StreamWorkerOptions> = {},
  ): Promise<StreamWorker> => {
    const worker = createStreamWorker({
      streams,
      client,
      tableName,
      group: "test",
      leaseDurationMs: 1_000,
      maxIdleMs: 200,
      async handler(records) {
        for (const record of records) handled.push(record.sequenceNumber ?? "none");
      },
      ...options,
    });
    onTestFinished(() => worker.stop());
    await worker.ensureTables();
    worker.start();
    return worker;
  };

  it("hands everything over to another when it stops, in order, and loses nothing", async () => {
    await createTable("handover");
    const one: string[] = [];
    const other: string[] = [];
    for (const key of numbers(0, 10)) await put("handover", key);
    // Longer than a busy machine lets a worker wait: none of them is to lose what it did not give away.
    const leaseDurationMs = 4_000;
    const first = await workerOn("handover", one, { workerId: "first", batchSize: 3, leaseDurationMs });
    await expect.poll(() => one.length, { timeout: 30_000 }).toBe(10);
    // The last batch counts when its position is stored.
    await vi.waitFor(async () => {
      const { shards } = await first.progress();
      expect(shards).toMatchObject([
        { state: "reading", isOwn: true, position: one.at(-1), recordsHandled: 10 },
      ]);
      expect(shards[0]?.owner).toMatch(/^first/);
    }, 30_000);
    await workerOn("handover", other, { workerId: "second", leaseDurationMs });
    for (const key of numbers(10, 20)) await put("handover", key);
    await first.stop();
    for (const key of numbers(20, 30)) await put("handover", key);
    await expect.poll(() => new Set([...one, ...other]).size, { timeout: 30_000 }).toBe(30);
    // Each was stopped or began in an orderly way: nothing is delivered twice.
    expect([...one, ...other]).toHaveLength(30);
    const all = [...one, ...other];
    expect(all).toEqual(all.toSorted(compareSequenceNumbers));
  });

  it("goes on with the new stream of a table when the old one was read", async () => {
    await createTable("replaced");
    const handled: string[] = [];
    const events: WorkerEvent[] = [];
    await put("replaced", 1);
    const worker = await workerOn("replaced", handled, { onEvent: (event) => events.push(event) });
    await expect.poll(() => handled.length, { timeout: 30_000 }).toBe(1);
    const update = async (StreamEnabled: boolean): Promise<void> => {
      const StreamSpecification = StreamEnabled
        ? ({ StreamEnabled, StreamViewType: "NEW_IMAGE" } as const)
        : { StreamEnabled };
      await client.send(new UpdateTableCommand({ TableName: "replaced", StreamSpecification }));
      await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: "replaced" });
    };
    await put("replaced", 2);
    await update(false);
    await update(true);
    await put("replaced", 3);
    await expect.poll(() => handled.length, { timeout: 55_000, interval: 200 }).toBe(3);
    expect(worker.failed.aborted).toBe(false);
    expect(events.filter(({ type }) => type === "gap")).toEqual([]);
    expect(events.map(({ type }) => type)).toContain("streamReplaced");
  });

  it("refuses options that can't be", () => {
    const good = { streams, client, tableName: "t", group: "g", handler: async () => undefined };
    expect(() => createStreamWorker({ ...good, batchSize: 1_001 })).toThrow(RangeError);
    expect(() => createStreamWorker({ ...good, maxIdleMs: 100 })).toThrow(RangeError);
    expect(() => createStreamWorker({ ...good, tableName: "" })).toThrow(TypeError);
    expect(() => createStreamWorker({ ...good, leaseDurationMs: 1 })).toThrow(RangeError);
  });
});
