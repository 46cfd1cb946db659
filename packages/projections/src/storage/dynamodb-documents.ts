import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { backoffMs, type Consistency, type Item, type Runtime } from "@tuppence/core";
import { abortedBy, failRead, failWrite, isNamed } from "@tuppence/core/leases";
import pMap from "p-map";
import { compareKeys } from "../documents/compare-keys.ts";
import { checkDocument, checkDocumentKey, decodeDocument, encodeDocument } from "./document-item.ts";
import type { DocumentPage, DocumentStorage } from "./projection-storage.ts";

/** Items that one BatchGetItem reads at most. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_BATCH_GET = 100;

/** Batches that one call reads at a time. */
const CONCURRENT_BATCHES = 4;

/** Sends of one batch, the first included; what is left then goes one by one, so that DynamoDB says what is wrong. */
const MAX_BATCH_SENDS = 8;
const BATCH_BACKOFF = { baseMs: 25, maxMs: 1_000 };

type Key = Record<string, AttributeValue>;

export interface Place {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly runtime: Runtime;
}

/** Documents in a table of DynamoDB. */
export function createDynamoDBDocuments(
  client: DynamoDBClient,
  tableName: string,
  runtime: Runtime,
): DocumentStorage {
  const place = { client, tableName, runtime };
  return {
    async getMany(partition, keys, options) {
      const unique = [...new Set(keys)];
      for (const key of unique) checkDocumentKey(key);
      const wanted = unique.map((key) => keyOf(partition, key));
      const [only] = wanted;
      const items =
        only !== undefined && wanted.length === 1
          ? [await getItem(place, only, options)]
          : await getItems(place, wanted, options);
      return new Map(
        items.flatMap((item) =>
          item === undefined ? [] : [[String(item["s"]?.S), decodeDocument(item)] as const],
        ),
      );
    },

    checkSize: checkDocument,

    async put(put, signal) {
      const item = encodeDocument(put, runtime.now());
      try {
        const command = new PutItemCommand(putInput(tableName, item, put.record.revision));
        await client.send(command, abortedBy(signal));
        return { applied: true };
      } catch (error) {
        if (!isNamed(error, "ConditionalCheckFailedException")) return failWrite(tableName, error);
        const { Item: found } = error as ConditionalCheckFailedException;
        return { applied: false, found: found && decodeDocument(found) };
      }
    },

    list: (partition, options) => queryDocuments(place, partition, options),

    async deleteMany(partition, keys, signal) {
      const sendBatch = async (batch: readonly Key[]): Promise<readonly Key[]> => {
        const RequestItems = { [tableName]: batch.map((Key) => ({ DeleteRequest: { Key } })) };
        const { UnprocessedItems = {} } = await client.send(
          new BatchWriteItemCommand({ RequestItems }),
          abortedBy(signal),
        );
        return (UnprocessedItems[tableName] ?? []).map(({ DeleteRequest }) => DeleteRequest?.Key as Key);
      };
      try {
        const all = keys.map((key) => keyOf(partition, key));
        const left = await sendUntilDone(runtime, { all, sendBatch, signal });
        for (const Key of left) {
          await client.send(new DeleteItemCommand({ TableName: tableName, Key }), abortedBy(signal));
        }
      } catch (error) {
        failWrite(tableName, error);
      }
    },
  };
}

/** A put in the place of the revision before; of the first, where nothing is. */
export function putInput(
  tableName: string,
  item: Item,
  revision: number,
): {
  readonly TableName: string;
  readonly Item: Record<string, AttributeValue>;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
  readonly ReturnValuesOnConditionCheckFailure: "ALL_OLD";
} {
  const put = { TableName: tableName, Item: item, ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;
  if (revision === 1) return { ...put, ConditionExpression: "attribute_not_exists(p)" };
  return {
    ...put,
    ConditionExpression: "r = :previous",
    ExpressionAttributeValues: { ":previous": { N: String(revision - 1) } },
  };
}

function keyOf(partition: string, key: string): Key {
  return { p: { S: partition }, s: { S: key } };
}

interface ReadOptions {
  readonly consistency: Consistency;
  readonly signal?: AbortSignal | undefined;
}

async function getItem(
  { client, tableName }: Place,
  Key: Key,
  { consistency, signal }: ReadOptions,
): Promise<Item | undefined> {
  const command = new GetItemCommand({ TableName: tableName, Key, ConsistentRead: consistency === "strong" });
  const { Item } = await client.send(command, abortedBy(signal)).catch((error) => failRead(tableName, error));
  return Item;
}

export async function getItems(
  place: Place,
  keys: readonly Key[],
  options: ReadOptions,
): Promise<readonly (Item | undefined)[]> {
  const batches = Array.from({ length: Math.ceil(keys.length / MAX_BATCH_GET) }, (_, index) =>
    keys.slice(index * MAX_BATCH_GET, (index + 1) * MAX_BATCH_GET),
  );
  const found = await pMap(batches, (batch) => getBatch(place, batch, options), {
    concurrency: CONCURRENT_BATCHES,
  });
  return found.flat();
}

async function getBatch(
  place: Place,
  all: readonly Key[],
  options: ReadOptions,
): Promise<readonly (Item | undefined)[]> {
  const { client, tableName, runtime } = place;
  const { consistency, signal } = options;
  const found: (Item | undefined)[] = [];
  const sendBatch = async (batch: readonly Key[]): Promise<readonly Key[]> => {
    const RequestItems = { [tableName]: { Keys: [...batch], ConsistentRead: consistency === "strong" } };
    const { Responses = {}, UnprocessedKeys = {} } = await client
      .send(new BatchGetItemCommand({ RequestItems }), abortedBy(signal))
      .catch((error) => failRead(tableName, error));
    found.push(...(Responses[tableName] ?? []));
    return UnprocessedKeys[tableName]?.Keys ?? [];
  };
  const left = await sendUntilDone(runtime, { all, sendBatch, signal });
  for (const key of left) found.push(await getItem(place, key, options));
  return found;
}

/** Sends a batch, and again what came back of it: answers what was still left when that had lasted for too long. */
async function sendUntilDone(
  runtime: Runtime,
  batch: {
    readonly all: readonly Key[];
    /** Answers what was not processed. */
    readonly sendBatch: (keys: readonly Key[]) => Promise<readonly Key[]>;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly Key[]> {
  let left = batch.all;
  for (let sends = 0; left.length > 0 && sends < MAX_BATCH_SENDS; sends++) {
    if (sends > 0) await runtime.sleep(backoffMs(sends, BATCH_BACKOFF, runtime.random), batch.signal);
    left = await batch.sendBatch(left);
  }
  return left;
}

async function queryDocuments(
  { client, tableName }: Place,
  partition: string,
  options: Parameters<DocumentStorage["list"]>[1],
): Promise<DocumentPage> {
  const { prefix = "", after = "", limit, consistency, signal } = options;
  const isBehind = compareKeys(after, prefix) >= 0;
  if (isBehind && !after.startsWith(prefix)) return { documents: [], more: false };
  const input: QueryCommandInput = {
    TableName: tableName,
    KeyConditionExpression: prefix === "" ? "p = :p" : "p = :p AND begins_with(s, :prefix)",
    ExpressionAttributeValues: {
      ":p": { S: partition },
      ...(prefix === "" ? undefined : { ":prefix": { S: prefix } }),
    },
    // A key that comes before all of them is refused.
    ExclusiveStartKey: isBehind && after !== "" ? keyOf(partition, after) : undefined,
    ConsistentRead: consistency === "strong",
    Limit: limit,
  };
  const { Items = [], LastEvaluatedKey } = await client
    .send(new QueryCommand(input), abortedBy(signal))
    .catch((error) => failRead(tableName, error));
  return {
    documents: Items.map((item) => [String(item["s"]?.S), decodeDocument(item)] as const),
    more: LastEvaluatedKey !== undefined,
  };
}
