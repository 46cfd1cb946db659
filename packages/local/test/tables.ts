import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { LocalClientConfig } from "../src/index.ts";

/** Makes a table, or throws when there is one of that name. */
export async function createTable(config: LocalClientConfig, TableName: string): Promise<void> {
  const client = new DynamoDBClient({ ...config });
  await client.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  client.destroy();
}

export async function listTables(config: LocalClientConfig): Promise<readonly string[]> {
  const client = new DynamoDBClient({ ...config });
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  client.destroy();
  return TableNames;
}

export async function putText(config: LocalClientConfig, TableName: string, text: string): Promise<void> {
  const client = new DynamoDBClient({ ...config });
  await client.send(new PutItemCommand({ TableName, Item: { id: { S: "1" }, text: { S: text } } }));
  client.destroy();
}

export async function getText(config: LocalClientConfig, TableName: string): Promise<string | undefined> {
  const client = new DynamoDBClient({ ...config });
  const { Item } = await client.send(new GetItemCommand({ TableName, Key: { id: { S: "1" } } }));
  client.destroy();
  return Item?.["text"]?.S;
}
