import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { createDynamoDBScheduleStorage } from "../src/storage/dynamodb-storage.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import { describeScheduleStorage } from "./storage-contract.ts";
import { connect } from "@tuppence/test-support/database";

const DATABASE = "schedulestorage";

describeScheduleStorage("memory", () => createMemoryScheduleStorage());
describeScheduleStorage("DynamoDB", () => createDynamoDBScheduleStorage(connect(DATABASE), "contract"));

describe("schedules in DynamoDB", () => {
  it("have a table with TTL and a stream of old images", async () => {
    const client = connect(DATABASE);
    await createDynamoDBScheduleStorage(client, "own").ensureTables();
    const { Table } = await client.send(new DescribeTableCommand({ TableName: "own-schedules" }));
    expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
    expect(Table?.StreamSpecification?.StreamViewType).toBe("OLD_IMAGE");
    const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName: "own-schedules" }));
    expect(ttl.TimeToLiveDescription).toMatchObject({ AttributeName: "ttl", TimeToLiveStatus: "ENABLED" });
  });

  it("are written in a transaction of somebody else's", async () => {
    const client = connect(DATABASE);
    const storage = createDynamoDBScheduleStorage(client, "also");
    await storage.ensureTables();
    const key = { partition: "p", sort: "s" };
    const writes = storage.writesOf([{ key, where: { st: undefined }, set: { st: "a" } }]);
    const send = (): Promise<unknown> =>
      client.send(new TransactWriteItemsCommand({ TransactItems: [...writes] }));
    await send();
    expect(await storage.find(key)).toEqual({ st: "a" });
    await expect(send()).rejects.toThrow("ConditionalCheckFailed");
  });
});
