import {
  type AttributeValue,
  type CancellationReason,
  type ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  type TransactionCanceledException,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../capacity/item-size.ts";
import {
  type ChainStorage,
  type ItemPage,
  type NamePage,
  type SlotRange,
  UncertainWriteError,
} from "../chain/storage.ts";
import { TableMissingError } from "../errors.ts";
import { isNamed, wasApplied } from "./aws-errors.ts";
import { ensureTable } from "./ensure-table.ts";
import { eventsTable, STREAMS_INDEX } from "./tables.ts";

/** Chains in the table `<prefix>-events`. Throttling and credential errors of the SDK pass through untouched. */
export function createDynamoDBChainStorage(client: DynamoDBClient, tablePrefix: string): ChainStorage {
  const definition = eventsTable(tablePrefix);
  const tableName = String(definition.TableName);
  return {
    putNew: async (items, signal) => {
      try {
        await (items.length === 1
          ? client.send(new PutItemCommand(putIfNew(tableName, items[0])), abortedBy(signal))
          : client.send(putAllIfNew(tableName, items), abortedBy(signal)));
        return undefined;
      } catch (error) {
        return inTheWay(error) ?? fail(tableName, error);
      }
    },
    query: (range) => queryItems(client, tableName, range),
    listNames: (category, page) => queryNames(client, tableName, { category, ...page }),
    ensureTables: () => ensureTable(client, definition),
  };
}

interface PutIfNew {
  TableName: string;
  Item: Record<string, AttributeValue> | undefined;
  ConditionExpression: "attribute_not_exists(p)";
  ReturnValuesOnConditionCheckFailure: "ALL_OLD";
}

function putIfNew(tableName: string, item: Item | undefined): PutIfNew {
  return {
    TableName: tableName,
    Item: item,
    ConditionExpression: "attribute_not_exists(p)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

function putAllIfNew(tableName: string, items: readonly Item[]): TransactWriteItemsCommand {
  return new TransactWriteItemsCommand({
    TransactItems: items.map((item) => ({ Put: putIfNew(tableName, item) })),
  });
}

/** The item that a failed condition brings back. */
function inTheWay(error: unknown): Item | undefined {
  if (isNamed(error, "ConditionalCheckFailedException"))
    return (error as ConditionalCheckFailedException).Item;
  return reasonsOf(error).find((reason) => reason.Code === "ConditionalCheckFailed")?.Item;
}

function reasonsOf(error: unknown): readonly CancellationReason[] {
  if (!isNamed(error, "TransactionCanceledException")) return [];
  return (error as TransactionCanceledException).CancellationReasons ?? [];
}

function fail(tableName: string, error: unknown): never {
  if (isNamed(error, "ResourceNotFoundException")) throw new TableMissingError(tableName, { cause: error });
  const conflict = reasonsOf(error).some((reason) => reason.Code === "TransactionConflict");
  const applied = conflict ? "not now" : wasApplied(error);
  if (applied === "no") throw error;
  throw new UncertainWriteError({ mayBeWritten: applied === "unknown", cause: error });
}

async function queryItems(client: DynamoDBClient, tableName: string, range: SlotRange): Promise<ItemPage> {
  const page = await query(
    client,
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
  client: DynamoDBClient,
  tableName: string,
  page: {
    readonly category: string;
    readonly after?: string | undefined;
    readonly limit?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<NamePage> {
  const result = await query(
    client,
    {
      TableName: tableName,
      IndexName: STREAMS_INDEX,
      KeyConditionExpression: page.after === undefined ? "c = :c" : "c = :c AND p > :after",
      ExpressionAttributeValues: {
        ":c": { S: page.category },
        ...(page.after === undefined ? undefined : { ":after": { S: page.after } }),
      },
      Limit: page.limit,
    },
    page.signal,
  );
  const names = (result.Items ?? []).map((item) => String(item["p"]?.S));
  return { names, more: result.LastEvaluatedKey !== undefined };
}

async function query(
  client: DynamoDBClient,
  input: QueryCommandInput & { readonly TableName: string },
  signal: AbortSignal | undefined,
): Promise<QueryCommandOutput> {
  try {
    return await client.send(new QueryCommand(input), abortedBy(signal));
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException"))
      throw new TableMissingError(input.TableName, { cause: error });
    throw error;
  }
}

/** Without a signal no options at all: only then a client with `cacheMiddleware` uses its cache. */
function abortedBy(signal: AbortSignal | undefined): { abortSignal: AbortSignal } | undefined {
  return signal && { abortSignal: signal };
}
