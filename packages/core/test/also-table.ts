import {
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../src/capacity/item-size.ts";
import type { AlsoWrite } from "../src/chain/storage.ts";

/** A table of the user's own, with one key, `id`. */
export const ALSO_TABLE = "documents";

export async function createAlsoTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: ALSO_TABLE,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: ALSO_TABLE });
}

export async function findDocument(client: DynamoDBClient, id: string): Promise<Item | undefined> {
  const command = new GetItemCommand({ TableName: ALSO_TABLE, Key: { id: { S: id } }, ConsistentRead: true });
  return (await client.send(command)).Item;
}

/** How often a write by `counting` was made. */
export async function countOf(client: DynamoDBClient, write: AlsoWrite): Promise<number> {
  const id = String(write.Update?.Key?.["id"]?.S);
  return Number((await findDocument(client, id))?.["count"]?.N ?? 0);
}

/** A write that shows if it is made twice. */
export function counting(id: string): AlsoWrite {
  return {
    Update: {
      TableName: ALSO_TABLE,
      Key: { id: { S: id } },
      UpdateExpression: "ADD #count :one",
      ExpressionAttributeNames: { "#count": "count" },
      ExpressionAttributeValues: { ":one": { N: "1" } },
    },
  };
}

/** A write that can be made once. */
export function putNew(id: string, attributes: Item = {}): AlsoWrite {
  return {
    Put: {
      TableName: ALSO_TABLE,
      Item: { ...attributes, id: { S: id } },
      ConditionExpression: "attribute_not_exists(id)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    },
  };
}

/** A check that the document is there. */
export function exists(id: string): AlsoWrite {
  return {
    ConditionCheck: {
      TableName: ALSO_TABLE,
      Key: { id: { S: id } },
      ConditionExpression: "attribute_exists(id)",
    },
  };
}
