import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { inProcessFunction } from "@tuppence/local/lambda";
import { logEventSourceMapping } from "@tuppence/stream-adapter/lambda";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { reminders } from "./stream-adapter/reminders.ts";

const server = await startDynamoDBLocal({ log: false });
const config = server.clientConfig("docsadapter");
const client = new DynamoDBClient(config);

// The programs take everything from the environment, as they would on AWS.
beforeAll(() => {
  vi.stubEnv("AWS_ENDPOINT_URL", server.endpoint);
  vi.stubEnv("AWS_REGION", config.region);
  vi.stubEnv("AWS_ACCESS_KEY_ID", config.credentials.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", config.credentials.secretAccessKey);
});
afterAll(() => vi.unstubAllEnvs());

it("the worker and the function feed the log", async () => {
  const store = createEventStore({ client });
  await store.ensureTables();
  await store.append("permit|1", [{ type: "Noted", data: {} }]);
  const listeners = process.listeners("SIGTERM");
  const { worker } = await import("./stream-adapter/log-worker.ts");
  expect(await store.waitFor("permit|1", 1)).toBe(1);
  await worker.stop();
  for (const listener of process.listeners("SIGTERM")) {
    if (!listeners.includes(listener)) process.removeListener("SIGTERM", listener);
  }
  const { handler } = await import("./stream-adapter/log-handler.ts");
  const fn = inProcessFunction({ name: "log", handler });
  expect(await fn.invoke({ Records: [] })).toMatchObject({ functionError: undefined });
  expect(logEventSourceMapping()).toMatchObject({ StartingPosition: "TRIM_HORIZON" });
});

it("the worker and the function of reminders see the changes of their table", async () => {
  await client.send(
    new CreateTableCommand({
      TableName: "reminders",
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  const { worker } = await import("./stream-adapter/reminder-worker.ts");
  await createEventStore({ client }).ensureTables();
  await worker.ensureTables();
  worker.start();
  await client.send(new PutItemCommand({ TableName: "reminders", Item: { p: { S: "by hand" } } }));
  await client.send(new DeleteItemCommand({ TableName: "reminders", Key: { p: { S: "by hand" } } }));
  await expect
    .poll(async () => (await worker.progress()).shards.some(({ recordsHandled }) => recordsHandled >= 2))
    .toBe(true);
  await worker.stop();
  expect(reminders.size).toBe(0);

  const { handler, mapping } = await import("./stream-adapter/reminder-handler.ts");
  const userIdentity = { type: "Service", principalId: "dynamodb.amazonaws.com" };
  const dynamodb = {
    Keys: { p: { S: "ada" } },
    OldImage: { address: { S: "ada@example.org" } },
    SequenceNumber: "1",
  };
  const record = { eventID: "e-1", eventName: "REMOVE", eventSource: "aws:dynamodb", userIdentity, dynamodb };
  const fn = inProcessFunction({ name: "reminders", handler });
  expect((await fn.invoke({ Records: [record] })).functionError).toBeUndefined();
  expect([...reminders.values()]).toEqual(["ada@example.org"]);
  expect(mapping.FilterCriteria?.Filters[0]?.Pattern).toContain("dynamodb.amazonaws.com");
});
