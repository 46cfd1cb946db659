import { CreateTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
//#region start-imports
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
//#endregion start-imports
//#region lambda-imports
import { childProcessFunction, startEventSourceMapping } from "@tuppence/local/lambda";
//#endregion lambda-imports
import { expect, it } from "vitest";

it("runs a function in processes, driven by a table's stream", async () => {
  //#region start
  await using local = await startDynamoDBLocal();
  // DynamoDB Local 2.6.1 (Java 17) on http://127.0.0.1:43121, in memory, ready in 1.3 s

  const client = new DynamoDBClient({ ...local.clientConfig() });
  //#endregion start
  await client.send(
    new CreateTableCommand({
      TableName: "orders",
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  //#region lambda
  await using fn = childProcessFunction({
    name: "orders",
    moduleUrl: new URL("./local/handler.mjs", import.meta.url),
    timeoutMs: 10_000,
  });
  await using mapping = await startEventSourceMapping({
    config: local.clientConfig(),
    tableName: "orders",
    function: fn,
    startingPosition: "TRIM_HORIZON",
    reportBatchItemFailures: true,
  });
  await client.send(new PutItemCommand({ TableName: "orders", Item: { p: { S: "order-1" } } }));
  await mapping.whenCaughtUp(); // all that was written before this call is done, filtered out or given up
  //#endregion lambda
  expect(mapping.stats).toMatchObject({ failures: 0 });
});
