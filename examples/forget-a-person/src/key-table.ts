import { randomBytes } from "node:crypto";
import {
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";

/** A subject's key. Ids are random and never come back: one that was dropped stays dropped. */
export interface Key {
  /** 8 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** Keys in a DynamoDB table, one item for each subject: `p` its name, `i` the key's id, `k` the key. */
export interface KeyTable {
  /** The subject's key, strongly consistent. Cost: 1 RCU. */
  readonly find: (subject: string) => Promise<Key | undefined>;
  /** Makes a key if there is none; the one that is there if there is. Cost: 1 WCU. */
  readonly create: (subject: string) => Promise<Key>;
  /** Cost: 1 WCU. */
  readonly drop: (subject: string) => Promise<void>;
  /** Creates the table if it is not there; in production it belongs to the infrastructure code. */
  readonly ensure: () => Promise<void>;
}

type Attributes = Readonly<Record<string, { readonly B?: Uint8Array | undefined }>>;

export function createKeyTable(client: DynamoDBClient, tableName: string): KeyTable {
  const place = (subject: string) => ({ p: { S: subject } });
  return {
    async find(subject) {
      const input = { TableName: tableName, Key: place(subject), ConsistentRead: true };
      const { Item: item } = await client.send(new GetItemCommand(input));
      return item && readKey(item);
    },
    async create(subject) {
      const key = { id: randomBytes(8), secret: randomBytes(32) };
      const put = new PutItemCommand({
        TableName: tableName,
        Item: { ...place(subject), i: { B: key.id }, k: { B: key.secret } },
        // Of two processes that make one at the same time, both go on with the first.
        ConditionExpression: "attribute_not_exists(p)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      try {
        await client.send(put);
        return key;
      } catch (error) {
        if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
        return readKey((error as { readonly Item?: Attributes }).Item ?? {});
      }
    },
    async drop(subject) {
      await client.send(new DeleteItemCommand({ TableName: tableName, Key: place(subject) }));
    },
    async ensure() {
      const table = new CreateTableCommand({
        TableName: tableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      });
      await client.send(table).catch((error: Error) => {
        if (error.name !== "ResourceInUseException") throw error;
      });
      await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: tableName });
    },
  };
}

function readKey({ i: id, k: secret }: Attributes): Key {
  if (id?.B === undefined || secret?.B === undefined)
    throw new TypeError("An item of the key table is no key.");
  return { id: id.B, secret: secret.B };
}
