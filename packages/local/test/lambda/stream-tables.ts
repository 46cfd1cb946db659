import { CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { LocalClientConfig } from "../../src/client-config.ts";

/** Makes a table with a stream of both images. */
export async function createStreamTable(config: LocalClientConfig, TableName: string): Promise<void> {
  const client = new DynamoDBClient({ ...config });
  await client.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  client.destroy();
}

/** Puts items one after the other, each with its number in `n`. */
export async function putNumbered(
  config: LocalClientConfig,
  TableName: string,
  ids: readonly string[],
): Promise<void> {
  const client = new DynamoDBClient({ ...config });
  for (const [n, id] of ids.entries()) {
    await client.send(new PutItemCommand({ TableName, Item: { id: { S: id }, n: { N: String(n) } } }));
  }
  client.destroy();
}
