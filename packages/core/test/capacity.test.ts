import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  type BatchStatementRequest,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { numberSize } from "../src/capacity/item-size.ts";
import {
  createEventStore,
  eventsTable,
  itemSize,
  meterCapacity,
  readUnits,
  writeUnits,
} from "../src/index.ts";
import { connect } from "./test-database.ts";

const client = connect("capacity");
const table = eventsTable("capacity");
const TableName = "capacity-events";

beforeAll(() => createEventStore({ client, tablePrefix: "capacity" }).ensureTables());

describe("units", () => {
  it("follow AWS's rules", () => {
    expect([0, 1, 1024, 1025, 400 * 1024].map((bytes) => writeUnits(bytes))).toEqual([1, 1, 1, 2, 400]);
    expect(writeUnits(1025, { transaction: true })).toBe(4);
    expect([0, 4096, 4097].map((bytes) => readUnits(bytes, "strong"))).toEqual([1, 1, 2]);
    expect([0, 4096, 4097].map((bytes) => readUnits(bytes, "eventual"))).toEqual([0.5, 0.5, 1]);
    expect(readUnits(4097, "transaction")).toBe(4);
  });
});

describe("the size of a number", () => {
  it.each([
    ["0", 1],
    ["1", 2],
    ["-1", 3],
    ["100", 2],
    ["0.001", 2],
    ["123", 3],
    ["1.23E+20", 3],
    ["1700000000123", 8],
  ])("%s: %i bytes", (text, bytes) => {
    expect(numberSize(text)).toBe(bytes);
  });
});

const attribute: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ maxLength: 300, unit: "grapheme" }).map((S) => ({ S })),
    fc.uint8Array({ maxLength: 300 }).map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true as const }),
    fc
      .uniqueArray(fc.string({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 5 })
      .map((SS) => ({ SS })),
    fc.array(tie("value"), { maxLength: 5 }).map((L) => ({ L })),
    fc
      .dictionary(fc.string({ minLength: 1, maxLength: 10 }), tie("value"), { maxKeys: 5 })
      .map((M) => ({ M })),
  ),
})).value;

describe("the size of an item", () => {
  it("leads to the units that DynamoDB Local reports", async () => {
    let slot = 1;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-b]{4,8}$/), attribute, { maxKeys: 6 }),
        fc.nat(3_000),
        async (attributes, padding) => {
          const item = {
            ...attributes,
            p: { S: "size" },
            s: { N: String(slot++) },
            pad: { S: "x".repeat(padding) },
          };
          const put = await client.send(
            new PutItemCommand({ TableName, Item: item, ReturnConsumedCapacity: "TOTAL" }),
          );
          expect(writeUnits(itemSize(item))).toBe(put.ConsumedCapacity?.CapacityUnits);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("the meter", () => {
  const meter = meterCapacity(client, { tables: [table] });
  beforeEach(() => meter.reset());
  const key = (slot: number) => ({ p: { S: "meter" }, s: { N: String(slot) } });
  const text = (length: number) => ({ S: "x".repeat(length) });

  it("counts every kind of call", async () => {
    const put = (slot: number, rest: Record<string, AttributeValue>) => ({
      TableName,
      Item: { ...key(slot), ...rest },
    });
    await client.send(new PutItemCommand(put(1, { e: text(2_000) })));
    await client.send(new PutItemCommand(put(2, { e: text(2_000), c: text(10) })));
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ Put: put(3, { e: text(2_000) }) }, { Put: put(4, { c: text(3) }) }],
      }),
    );
    await client.send(new GetItemCommand({ TableName, Key: key(1), ConsistentRead: true }));
    await client.send(new GetItemCommand({ TableName, Key: key(99) }));
    const query = {
      TableName,
      KeyConditionExpression: "p = :p",
      ExpressionAttributeValues: { ":p": { S: "meter" } },
    };
    await client.send(new QueryCommand(query));
    await client.send(new QueryCommand({ ...query, ConsistentRead: true, ProjectionExpression: "s" }));
    await client.send(new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key: key(1) } }] }));
    await client.send(new ScanCommand({ TableName, Limit: 1, ConsistentRead: true }));
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: key(1),
        UpdateExpression: "SET x = :x",
        ExpressionAttributeValues: { ":x": { N: "1" } },
      }),
    );
    await client.send(new DeleteItemCommand({ TableName, Key: key(1) }));
    expect(
      meter.calls.map(({ operation, readUnits: read, writeUnits: write }) => [operation, read, write]),
    ).toEqual([
      ["PutItem", 0, 2],
      ["PutItem", 0, 3],
      ["TransactWriteItems", 0, 7],
      ["GetItem", 1, 0],
      ["GetItem", 0.5, 0],
      ["Query", 1, 0],
      ["Query", 2, 0],
      ["TransactGetItems", 2, 0],
      ["Scan", 1, 0],
      ["UpdateItem", 0, 2],
      ["DeleteItem", 0, 2],
    ]);
    expect(meter.total()).toEqual({ requests: 11, readUnits: 7.5, writeUnits: 16 });
  });

  it("counts refused writes as DynamoDB charges them", async () => {
    const input = { TableName, Item: { ...key(50), e: text(3_000) } };
    const refusal = {
      ConditionExpression: "attribute_not_exists(p)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    } as const;
    await client.send(new PutItemCommand(input));
    const small = { ...refusal, TableName, Item: key(50) };
    await expect(client.send(new PutItemCommand(small))).rejects.toThrow();
    await expect(
      client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: small }] })),
    ).rejects.toThrow();
    expect(meter.calls.map((call) => [call.error, call.writeUnits])).toEqual([
      [undefined, 3],
      ["ConditionalCheckFailedException", 3],
      ["TransactionCanceledException", 6],
    ]);
  });

  it("counts what many items consume in one request as by a request for each", async () => {
    const insert = (slot: number, bytes: number): BatchStatementRequest => ({
      Statement: `INSERT INTO "${TableName}" VALUE {'p': ?, 's': ?, 'e': ?}`,
      Parameters: [key(slot).p, key(slot).s, text(bytes)],
    });
    const update = (slot: number, was: string): BatchStatementRequest => ({
      Statement: `UPDATE "${TableName}" SET "x" = ? WHERE "p" = ? AND "s" = ? AND "e" = ?`,
      Parameters: [{ N: "1" }, key(slot).p, key(slot).s, { S: was }],
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const missing = { ...update(60, ""), Statement: 'UPDATE "none" SET x = 1 WHERE p = ?', Parameters: [] };
    const write = (...Statements: BatchStatementRequest[]): Promise<unknown> =>
      client.send(new BatchExecuteStatementCommand({ Statements }));
    await write(insert(60, 100), insert(61, 2_000));
    await write(insert(60, 3_000), update(61, "x".repeat(2_000)), update(62, "none"));
    await write(update(61, "else"), missing);
    const Keys = [key(60), key(61), key(99)];
    for (const ConsistentRead of [true, false]) {
      const RequestItems = { [TableName]: { Keys, ConsistentRead } };
      await client.send(new BatchGetItemCommand({ RequestItems }));
    }
    expect(meter.calls.map((call) => [call.operation, call.readUnits, call.writeUnits])).toEqual([
      ["BatchExecuteStatement", 0, 1 + 2],
      ["BatchExecuteStatement", 0, 3 + 2 + 1],
      ["BatchExecuteStatement", 0, 2],
      ["BatchGetItem", 3, 0],
      ["BatchGetItem", 1.5, 0],
    ]);
  });

  it("reads the calls of a document client as well", async () => {
    const documents = DynamoDBDocumentClient.from(client);
    await documents.send(new PutCommand({ TableName, Item: { p: "document", s: 1, e: "x".repeat(1_500) } }));
    await documents.send(new GetCommand({ TableName, Key: { p: "document", s: 1 }, ConsistentRead: true }));
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 2 });
  });

  it("stops when it is detached", async () => {
    const own = meterCapacity(client);
    own.detach();
    await client.send(new GetItemCommand({ TableName, Key: key(1) }));
    expect(own.calls).toEqual([]);
    expect(meter.calls).toHaveLength(1);
  });
});
