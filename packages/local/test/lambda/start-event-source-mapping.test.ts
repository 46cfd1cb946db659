import {
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateTableCommand,
} from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DynamoDBLocal } from "../../src/index.ts";
import type { FailureRecord } from "../../src/lambda/failure-record.ts";
import { startEventSourceMapping, type StreamEventRecord } from "../../src/lambda/index.ts";
import { createTable } from "../tables.ts";
import { idsOf, testFunction } from "./local-functions.ts";
import { createStreamTable, putNumbered } from "./stream-tables.ts";

let local: DynamoDBLocal;
beforeAll(async () => {
  local = await startDynamoDBLocal({ log: false });
});
afterAll(() => local.stop());

describe("startEventSourceMapping, on DynamoDB Local", () => {
  it("delivers inserts, changes and removals as Lambda writes them", async () => {
    const config = local.clientConfig("esmEvents");
    await createStreamTable(config, "items");
    const client = new DynamoDBClient({ ...config });
    const Key = { id: { S: "1" } };
    const bytes = { B: new Uint8Array([1, 2, 255]) };
    await client.send(new PutItemCommand({ TableName: "items", Item: { ...Key, b: bytes } }));
    const nested = { M: { list: { L: [bytes, { NULL: true }] }, set: { BS: [new Uint8Array([7])] } } };
    await client.send(new PutItemCommand({ TableName: "items", Item: { ...Key, nested } }));
    await client.send(new DeleteItemCommand({ TableName: "items", Key }));
    client.destroy();
    const fn = testFunction(() => undefined);
    await using mapping = await startEventSourceMapping({
      config,
      tableName: "items",
      function: fn,
      startingPosition: "TRIM_HORIZON",
    });
    await mapping.whenCaughtUp();
    const records = fn.events.flatMap((event) => event.Records);
    expect(records.map(({ eventName }) => eventName)).toEqual(["INSERT", "MODIFY", "REMOVE"]);
    const jsonNested = { M: { list: { L: [{ B: "AQL/" }, { NULL: true }] }, set: { BS: ["Bw=="] } } };
    expect(records[1]).toEqual({
      eventID: expect.any(String),
      eventName: "MODIFY",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: expect.any(String),
      dynamodb: {
        ApproximateCreationDateTime: expect.closeTo(Date.now() / 1_000, -3),
        Keys: { id: { S: "1" } },
        NewImage: { id: { S: "1" }, nested: jsonNested },
        OldImage: { id: { S: "1" }, b: { B: "AQL/" } },
        SequenceNumber: expect.stringMatching(/^\d+$/),
        SizeBytes: expect.any(Number),
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
      eventSourceARN: expect.stringMatching(/^arn:aws:dynamodb:[^:]+:\d+:table\/items\/stream\/.+/),
    });
    expect(mapping.stats).toMatchObject({ delivered: 3, failures: 0, discarded: 0, gaps: 0 });
  });

  it("begins with what is written later, at LATEST", async () => {
    const config = local.clientConfig("esmLatest");
    await createStreamTable(config, "items");
    await putNumbered(config, "items", ["before"]);
    const fn = testFunction(() => undefined);
    await using mapping = await startEventSourceMapping({
      config,
      tableName: "items",
      function: fn,
      startingPosition: "LATEST",
    });
    await putNumbered(config, "items", ["after"]);
    await mapping.whenCaughtUp();
    expect(fn.events.flatMap(idsOf)).toEqual(["after"]);
  });

  it("filters, retries from the reported record, and gives up to the destination", async () => {
    const config = local.clientConfig("esmPartial");
    await createStreamTable(config, "items");
    await putNumbered(config, "items", ["a1", "b1", "a2", "a3", "a4"]);
    const givenUp: FailureRecord[] = [];
    const fn = testFunction((event) => {
      const failed = event.Records.find((record) => record.dynamodb.Keys?.["id"]?.["S"] === "a3");
      return {
        batchItemFailures: failed ? [{ itemIdentifier: failed.dynamodb.SequenceNumber }] : [],
      };
    });
    await using mapping = await startEventSourceMapping({
      config,
      tableName: "items",
      function: fn,
      startingPosition: "TRIM_HORIZON",
      reportBatchItemFailures: true,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 1,
      filterPatterns: [{ dynamodb: { Keys: { id: { S: [{ prefix: "a" }] } } } }],
      onFailure: (record) => givenUp.push(record),
    });
    await mapping.whenCaughtUp();
    expect(fn.events.map(idsOf)).toEqual([["a1", "a2", "a3", "a4"], ["a3", "a4"], ["a3"], ["a3"], ["a4"]]);
    const stats = { invocations: 5, failures: 4, delivered: 3, filtered: 1, discarded: 1, gaps: 0 };
    expect(mapping.stats).toEqual(stats);
    const sequenceNumber = fn.events[2]?.Records[0]?.dynamodb.SequenceNumber;
    expect(givenUp).toEqual([
      expect.objectContaining({
        requestContext: {
          requestId: expect.any(String),
          functionArn: expect.stringMatching(/^arn:aws:lambda:[^:]+:\d+:function:test$/),
          condition: "RetryAttemptsExhausted",
          approximateInvokeCount: 4,
        },
        DDBStreamBatchInfo: expect.objectContaining({
          startSequenceNumber: sequenceNumber,
          endSequenceNumber: sequenceNumber,
          batchSize: 1,
        }),
      }),
    ]);
  });

  it("gathers a batch for its window, and no longer once it is full", async () => {
    const config = local.clientConfig("esmWindow");
    await createStreamTable(config, "items");
    const fn = testFunction(() => undefined);
    await using mapping = await startEventSourceMapping({
      config,
      tableName: "items",
      function: fn,
      startingPosition: "TRIM_HORIZON",
      batchSize: 3,
      // Longer than the test may take: only a full batch ends it.
      maximumBatchingWindowMs: 300_000,
    });
    await putNumbered(config, "items", ["1", "2", "3"]);
    await mapping.whenCaughtUp();
    expect(fn.events.map(idsOf)).toEqual([["1", "2", "3"]]);
  });

  it("lets no retry outlive stop()", async () => {
    const config = local.clientConfig("esmStop");
    await createStreamTable(config, "items");
    await putNumbered(config, "items", ["1"]);
    const fn = testFunction(() => {
      throw new Error("always");
    });
    const mapping = await startEventSourceMapping({
      config,
      tableName: "items",
      function: fn,
      startingPosition: "TRIM_HORIZON",
    });
    const caughtUp = mapping.whenCaughtUp();
    await expect.poll(() => fn.events.length).toBeGreaterThan(1);
    await Promise.all([
      expect(caughtUp).rejects.toThrow("The event source mapping was stopped"),
      mapping.stop(),
    ]);
    await mapping.done;
    await expect(mapping.whenCaughtUp()).rejects.toThrow("stopped");
    expect(mapping.stats).toMatchObject({ delivered: 0, discarded: 0 });
  });

  it("refuses a table without a stream, and ends when its stream is gone", async () => {
    const config = local.clientConfig("esmNone");
    await createTable(config, "items");
    const start = {
      config,
      function: testFunction(() => undefined),
      startingPosition: "TRIM_HORIZON",
    } as const;
    await expect(startEventSourceMapping({ ...start, tableName: "items" })).rejects.toThrow(
      new TypeError("The table items has no stream: give it a StreamSpecification"),
    );
    const streamArn = "arn:aws:dynamodb:ddblocal:000000000000:table/items/stream/2020-01-01T00:00:00.000";
    const mapping = await startEventSourceMapping({ ...start, streamArn });
    const gone = { name: "ResourceNotFoundException" };
    await Promise.all([
      expect(mapping.done).rejects.toMatchObject(gone),
      expect(mapping.whenCaughtUp()).rejects.toMatchObject(gone),
    ]);
  });

  it("takes what is left in a stream that is switched off, and then rests", async () => {
    const config = local.clientConfig("esmClosed");
    await createStreamTable(config, "items");
    await putNumbered(config, "items", ["1", "2"]);
    const client = new DynamoDBClient({ ...config });
    const fn = testFunction(() => undefined);
    const { Table } = await client.send(new DescribeTableCommand({ TableName: "items" }));
    await client.send(
      new UpdateTableCommand({ TableName: "items", StreamSpecification: { StreamEnabled: false } }),
    );
    client.destroy();
    await using mapping = await startEventSourceMapping({
      config,
      streamArn: Table?.LatestStreamArn ?? "",
      function: fn,
      startingPosition: "TRIM_HORIZON",
    });
    await mapping.whenCaughtUp();
    expect(fn.events.flatMap(idsOf)).toEqual(["1", "2"]);
  });

  it("loses nothing and keeps each item's order, with batches of one shard under way together", async () => {
    const config = local.clientConfig("esmMany");
    await createStreamTable(config, "items");
    const items = Array.from({ length: 20 }, (_, item) => Array.from({ length: 15 }, () => `item ${item}`));
    const taken: StreamEventRecord[] = [];
    const fn = testFunction((event) => {
      for (const record of event.Records) {
        if (record.dynamodb.NewImage?.["n"]?.["N"] === "7") {
          return { batchItemFailures: [{ itemIdentifier: record.dynamodb.SequenceNumber }] };
        }
        taken.push(record);
      }
    });
    await using mapping = await startEventSourceMapping({
      config,
      tableName: "items",
      function: fn,
      startingPosition: "TRIM_HORIZON",
      batchSize: 10,
      parallelizationFactor: 4,
      reportBatchItemFailures: true,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 0,
    });
    await Promise.all(items.map((ids) => putNumbered(config, "items", ids)));
    await mapping.whenCaughtUp();
    expect(mapping.stats).toMatchObject({ delivered: 280, discarded: 20, gaps: 0 });
    for (const [id] of items) {
      const numbers = taken
        .filter(({ dynamodb }) => dynamodb.Keys?.["id"]?.["S"] === id)
        .map(({ dynamodb }) => Number(dynamodb.NewImage?.["n"]?.["N"]));
      expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14]);
    }
  });
});
