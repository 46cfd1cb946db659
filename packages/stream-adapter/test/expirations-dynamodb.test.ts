import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { inProcessFunction, mappingOptions, startEventSourceMapping } from "@tuppence/local/lambda";
import { expect, it } from "vitest";
import { createStreamWorker, oneByOne, type StreamRecord } from "../src/index.ts";
import { createLambdaHandler, eventSourceMapping, EXPIRATIONS_FILTER } from "../src/lambda/index.ts";
import { configOf } from "@tuppence/test-support/database";

const config = configOf("expirations");
const client = new DynamoDBClient(config);

it("what time to live removes comes as an expiration, by worker and by Lambda", async () => {
  const TableName = "bells";
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  const TimeToLiveSpecification = { Enabled: true, AttributeName: "ttl" };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  const byLambda: StreamRecord[] = [];
  const byWorker: StreamRecord[] = [];
  const note = (records: StreamRecord[]): ReturnType<typeof oneByOne> =>
    oneByOne((record) => void records.push(record));
  await using worker = createStreamWorker({
    client,
    streams: new DynamoDBStreamsClient(config),
    tableName: TableName,
    group: "test",
    handler: note(byWorker),
  });
  await worker.ensureTables();
  worker.start();
  await using _ = await startEventSourceMapping({
    config,
    tableName: TableName,
    function: inProcessFunction({ name: "bells", handler: createLambdaHandler(note(byLambda)) }),
    ...mappingOptions(eventSourceMapping(EXPIRATIONS_FILTER)),
  });
  // A minute ago by any clock.
  const item = { p: { S: "bell" }, ttl: { N: String(Math.floor(Date.now() / 1_000) - 60) } };
  const other = { p: { S: "deleted by hand" }, ttl: { N: String(Math.floor(Date.now() / 1_000) + 86_400) } };
  await client.send(new PutItemCommand({ TableName, Item: other }));
  await client.send(new DeleteItemCommand({ TableName, Key: { p: other.p } }));
  await client.send(new PutItemCommand({ TableName, Item: item }));
  await expect.poll(() => byLambda.length, { timeout: 55_000 }).toBeGreaterThan(0);
  await expect.poll(() => byWorker.length, { timeout: 30_000 }).toBe(4);
  const expiration = {
    kind: "expiration",
    change: "remove",
    keys: { p: item.p },
    oldImage: item,
    newImage: undefined,
  };
  expect(byLambda).toMatchObject([expiration]);
  expect(byWorker.at(-1)).toMatchObject(expiration);
  expect(byWorker.map(({ kind }) => kind)).toEqual(["change", "change", "change", "expiration"]);
  // The same record, whichever way it came.
  expect(byWorker.at(-1)).toMatchObject({ eventId: byLambda[0]?.eventId });
});
