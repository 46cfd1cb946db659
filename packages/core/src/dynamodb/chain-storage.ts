import {
  type ConditionalCheckFailedException,
  type DynamoDBClient,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
  TransactGetItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../capacity/item-size.ts";
import {
  type ChainStorage,
  CONTENT_ATTRIBUTES,
  type ItemPage,
  type NamePage,
  type NamePageRequest,
  type SlotKey,
  type SlotRange,
  UncertainWriteError,
} from "../chain/storage.ts";
import { TableMissingError } from "../errors.ts";
import { isNamed, reasonsOf, wasApplied } from "./aws-errors.ts";
import { abortedBy, type DynamoDBCalls, sdkCalls } from "./calls.ts";
import { ensureTable } from "./ensure-table.ts";
import { eventsTable, STREAMS_INDEX } from "./tables.ts";

/**
 * Chains in the table `<prefix>-events`, with the hot calls made by `calls`. Throttling and credential errors of the
 * SDK pass through untouched.
 */
export function createDynamoDBChainStorage(
  client: DynamoDBClient,
  tablePrefix: string,
  calls: DynamoDBCalls = sdkCalls(client),
): ChainStorage {
  const definition = eventsTable(tablePrefix);
  const tableName = String(definition.TableName);
  return {
    hasOtherTables: true,
    putNew: async (item, signal) => {
      try {
        await calls.putItem(putIfNew(tableName, item), signal);
        return undefined;
      } catch (error) {
        if (!isNamed(error, "ConditionalCheckFailedException")) return fail(tableName, error);
        return (error as ConditionalCheckFailedException).Item ?? fail(tableName, error);
      }
    },
    transact: async ({ puts, free, also = [] }, signal) => {
      const TransactItems = [
        ...puts.map((item) => ({ Put: putIfNew(tableName, item) })),
        ...free.map((slot) => ({ ConditionCheck: ifFree(tableName, slot) })),
        ...also,
      ];
      try {
        await calls.transactWriteItems({ TransactItems }, signal);
        return undefined;
      } catch (error) {
        const slots = puts.length + free.length;
        const found = reasonsOf(error).map((reason, index) => {
          if (reason.Code !== "ConditionalCheckFailed") return undefined;
          return reason.Item ?? (index < slots ? undefined : {});
        });
        if (found.some((item) => item !== undefined)) return found;
        // It does not say which of the tables is missing.
        if (also.length > 0 && isNamed(error, "ResourceNotFoundException")) throw error;
        return fail(tableName, error);
      }
    },
    putSnapshot: async (item, signal) => {
      try {
        await calls.putItem(
          {
            TableName: tableName,
            Item: item,
            ConditionExpression: "attribute_not_exists(p) OR v < :v",
            ExpressionAttributeValues: { ":v": item["v"] ?? { N: "0" } },
          },
          signal,
        );
      } catch (error) {
        // A newer one is there.
        if (!isNamed(error, "ConditionalCheckFailedException")) throw error;
      }
    },
    strip: async ({ chain, slot }, attributes, signal) => {
      const names = Object.keys(attributes);
      const removed = CONTENT_ATTRIBUTES.filter((name) => !names.includes(name));
      const command = new UpdateItemCommand({
        TableName: tableName,
        Key: { p: { S: chain }, s: { N: String(slot) } },
        UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(", ")} REMOVE ${removed.join(", ")}`,
        ConditionExpression: "attribute_exists(p)",
        ExpressionAttributeValues: Object.fromEntries(
          names.map((name) => [`:${name}`, attributes[name] ?? { NULL: true }]),
        ),
      });
      await client.send(command, abortedBy(signal));
    },
    find: (slots, signal) => findItems(client, tableName, { slots, signal }),
    query: (range) => queryItems(calls, tableName, range),
    listNames: (category, page) =>
      category === undefined
        ? scanNames(client, tableName, page)
        : queryNames(calls, tableName, { ...page, category }),
    ensureTables: () => ensureTable(client, definition),
  };
}

const IF_NEW = {
  ConditionExpression: "attribute_not_exists(p)",
  ReturnValuesOnConditionCheckFailure: "ALL_OLD",
} as const;

type IfNew<Target> = Target & { TableName: string } & typeof IF_NEW;

function putIfNew(tableName: string, item: Item): IfNew<{ Item: Item }> {
  return { TableName: tableName, Item: item, ...IF_NEW };
}

function ifFree(tableName: string, slot: SlotKey): IfNew<{ Key: Item }> {
  return { TableName: tableName, Key: keyOf(slot), ...IF_NEW };
}

function keyOf({ chain, slot }: SlotKey): Item {
  return { p: { S: chain }, s: { N: String(slot) } };
}

function fail(tableName: string, error: unknown): never {
  if (isNamed(error, "ResourceNotFoundException")) throw new TableMissingError(tableName, { cause: error });
  const conflict = reasonsOf(error).some((reason) => reason.Code === "TransactionConflict");
  const applied = conflict ? "not now" : wasApplied(error);
  if (applied === "no") throw error;
  throw new UncertainWriteError({ mayBeWritten: applied === "unknown", cause: error });
}

async function findItems(
  client: DynamoDBClient,
  tableName: string,
  { slots, signal }: { readonly slots: readonly SlotKey[]; readonly signal: AbortSignal | undefined },
): Promise<readonly (Item | undefined)[]> {
  const TransactItems = slots.map((slot) => ({ Get: { TableName: tableName, Key: keyOf(slot) } }));
  try {
    const { Responses = [] } = await client.send(
      new TransactGetItemsCommand({ TransactItems }),
      abortedBy(signal),
    );
    return slots.map((_, index) => Responses[index]?.Item);
  } catch (error) {
    return fail(tableName, error);
  }
}

async function queryItems(calls: DynamoDBCalls, tableName: string, range: SlotRange): Promise<ItemPage> {
  const page = await query(
    calls,
    {
      TableName: tableName,
      KeyConditionExpression: "p = :p AND s BETWEEN :from AND :to",
      ExpressionAttributeValues: {
        ":p": { S: range.chain },
        ":from": { N: String(range.from) },
        ":to": { N: String(range.to) },
      },
      ScanIndexForward: !range.backward,
      ConsistentRead: range.consistency === "strong",
      Limit: range.limit,
    },
    range.signal,
  );
  return { items: page.Items ?? [], more: page.LastEvaluatedKey !== undefined };
}

async function queryNames(
  calls: DynamoDBCalls,
  tableName: string,
  { category, after, limit, signal }: NamePageRequest & { readonly category: string },
): Promise<NamePage> {
  const result = await query(
    calls,
    {
      TableName: tableName,
      IndexName: STREAMS_INDEX,
      KeyConditionExpression: after === undefined ? "c = :c" : "c = :c AND p > :after",
      ExpressionAttributeValues: {
        ":c": { S: category },
        ...(after === undefined ? undefined : { ":after": { S: after } }),
      },
      Limit: limit,
    },
    signal,
  );
  return namePage(result);
}

async function scanNames(
  client: DynamoDBClient,
  tableName: string,
  { next, limit, signal }: NamePageRequest,
): Promise<NamePage> {
  try {
    const input = { TableName: tableName, IndexName: STREAMS_INDEX, Limit: limit };
    const ExclusiveStartKey = next as ScanCommandInput["ExclusiveStartKey"];
    return namePage(await client.send(new ScanCommand({ ...input, ExclusiveStartKey }), abortedBy(signal)));
  } catch (error) {
    throw isNamed(error, "ResourceNotFoundException")
      ? new TableMissingError(tableName, { cause: error })
      : error;
  }
}

function namePage(page: Pick<QueryCommandOutput, "Items" | "LastEvaluatedKey">): NamePage {
  return { names: (page.Items ?? []).map((item) => String(item["p"]?.S)), next: page.LastEvaluatedKey };
}

async function query(
  calls: DynamoDBCalls,
  input: QueryCommandInput & { readonly TableName: string },
  signal: AbortSignal | undefined,
): Promise<Pick<QueryCommandOutput, "Items" | "LastEvaluatedKey">> {
  try {
    return await calls.query(input, signal);
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException"))
      throw new TableMissingError(input.TableName, { cause: error });
    throw error;
  }
}
