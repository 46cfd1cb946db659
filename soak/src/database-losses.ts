import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateTableCommand,
  DynamoDBClient,
  paginateScan,
  PutItemCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { Database } from "./database.ts";

const TABLE = "acknowledged";
const WRITERS_OF_EACH = 3;
const RETRY_MS = 20;
/** The shortest and the longest time from one kill to the next, in milliseconds. */
const BETWEEN_MS = { least: 700, most: 1_700 };

/** What was acknowledged before DynamoDB Local was killed, and is not there afterwards. */
export interface DatabaseLosses {
  readonly kills: number;
  readonly puts: number;
  readonly transactions: number;
  readonly lostPuts: number;
  readonly lostTransactions: number;
  /** Transactions of which a part is there. */
  readonly torn: number;
}

/** Kills DynamoDB Local again and again while others put items and write transactions of two, with nothing of ours between. */
export async function countDatabaseLosses(folder: string, kills: number): Promise<DatabaseLosses> {
  const database = await Database.start(folder);
  const client = new DynamoDBClient({ ...database.clientConfig(), maxAttempts: 1 });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
    }),
  );
  const acknowledged = { put: new Set<string>(), transaction: new Set<string>() };
  const over = new AbortController();
  const writers = (["put", "transaction"] as const).flatMap((kind) =>
    Array.from({ length: WRITERS_OF_EACH }, async (_, writer) => {
      for (let number = 0; !over.signal.aborted; number++) {
        const name = `${kind}-${writer}-${number}`;
        try {
          await (kind === "put" ? put(client, name) : transact(client, name));
          acknowledged[kind].add(name);
        } catch {
          await sleep(RETRY_MS); // It was not acknowledged.
        }
      }
    }),
  );
  for (let kill = 0; kill < kills; kill++) {
    await sleep(BETWEEN_MS.least + Math.random() * (BETWEEN_MS.most - BETWEEN_MS.least));
    await database.kill();
    await database.restart();
  }
  over.abort();
  await Promise.all(writers);
  const found = new Set<string>();
  for await (const { Items = [] } of paginateScan({ client }, { TableName: TABLE })) {
    for (const { p } of Items) found.add(String(p?.S));
  }
  client.destroy();
  await database.stop();
  const partsThere = (name: string): number => partsOf(name).filter((part) => found.has(part)).length;
  const there = [...acknowledged.transaction].map(partsThere);
  return {
    kills,
    puts: acknowledged.put.size,
    transactions: there.length,
    lostPuts: [...acknowledged.put].filter((name) => !found.has(name)).length,
    lostTransactions: there.filter((parts) => parts === 0).length,
    torn: there.filter((parts) => parts === 1).length,
  };
}

async function put(client: DynamoDBClient, name: string): Promise<void> {
  await client.send(new PutItemCommand({ TableName: TABLE, Item: { p: { S: name } } }));
}

async function transact(client: DynamoDBClient, name: string): Promise<void> {
  const TransactItems = partsOf(name).map((part) => ({
    Put: { TableName: TABLE, Item: { p: { S: part } } },
  }));
  await client.send(new TransactWriteItemsCommand({ TransactItems }));
}

function partsOf(name: string): readonly string[] {
  return [`${name}/a`, `${name}/b`];
}
