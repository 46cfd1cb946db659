import {
  type AttributeValue,
  type CancellationReason,
  type ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
  type TransactionCanceledException,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../capacity/item-size.ts";
import {
  type ChainStorage,
  type ItemPage,
  type NamePage,
  type NamePageRequest,
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
    listNames: (category, page) =>
      category === undefined
        ? scanNames(client, tableName, page)
        : queryNames(client, tableName, { ...page, category }),
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
  { category, after, limit, signal }: NamePageRequest & { readonly category: string },
): Promise<NamePage> {
  const result = await query(
    client,
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
