import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { openPlace, setUpDatabase } from "./dynamodb-place.ts";
import { POLL_MS } from "./poll.ts";
import type { ConsumeOptions, OpenQueue, QueueContender, StoredMessage } from "./queue-contender.ts";
import type { MessageBody, QueueMessage } from "./queue-messages.ts";

/** How long a reader waits at a position that is missing before it takes it for a hole and goes on, in milliseconds. */
const HOLE_PATIENCE_MS = 1_000;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const BATCH_ITEMS = 25;

const MESSAGES = "queue";

/**
 * The baseline: a queue as one would write it by hand on the same table, with positions from an atomic counter. A writer
 * that dies between counter and message leaves a hole, and readers can't tell it from a message that is yet to come.
 */
export const COUNTER_QUEUE: QueueContender = {
  name: "counter",
  label: "atomic counter, by hand",
  facts: {
    order: "by position; a message that comes after readers have given it up is never read",
    positions: "from an atomic counter, with a hole where a writer dies",
    groups: "each reads by itself; one process each",
    durability: "DynamoDB",
  },
  sharesGroups: false,
  setUp: setUpDatabase,
  open: async (place, options) => openCounterQueue(openPlace(place, options)),
};

function openCounterQueue(database: ReturnType<typeof openPlace>): OpenQueue {
  const { tableName: TableName, client } = database;
  const documents = DynamoDBDocumentClient.from(client);
  const itemOf = ({ id, key, body }: QueueMessage, position: number): Record<string, unknown> => ({
    p: MESSAGES,
    s: position,
    id,
    key,
    body: JSON.stringify(body),
  });
  const takePositions = async (count: number): Promise<number> => {
    const { Attributes } = await documents.send(
      new UpdateCommand({
        TableName,
        Key: { p: "counter", s: 1 },
        UpdateExpression: "ADD lastPosition :count",
        ExpressionAttributeValues: { ":count": count },
        ReturnValues: "UPDATED_NEW",
      }),
    );
    return Number(Attributes?.["lastPosition"]) - count + 1;
  };
  return {
    async enqueue(messages) {
      const first = await takePositions(messages.length);
      const items = messages.map((message, index) => itemOf(message, first + index));
      const [only] = items;
      if (items.length === 1) await documents.send(new PutCommand({ TableName, Item: only }));
      else await putAll(documents, TableName, items);
    },
    consume: (options) => consume(documents, TableName, options),
    consumed: database.consumed,
    async stored() {
      const messages: StoredMessage[] = [];
      for await (const { Items = [] } of paginateQuery({ client: documents }, queryAfter(TableName, 0)))
        messages.push(...Items.map(({ id, s }) => ({ id: String(id), position: Number(s) })));
      return messages;
    },
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
    },
  };
}

async function putAll(
  documents: DynamoDBDocumentClient,
  tableName: string,
  items: readonly Record<string, unknown>[],
): Promise<void> {
  const requests = items.map((Item) => ({ PutRequest: { Item } }));
  const batches = Array.from({ length: Math.ceil(requests.length / BATCH_ITEMS) }, (_, index) =>
    requests.slice(index * BATCH_ITEMS, (index + 1) * BATCH_ITEMS),
  );
  const put = async (batch: typeof requests): Promise<void> => {
    const { UnprocessedItems = {} } = await documents.send(
      new BatchWriteCommand({ RequestItems: { [tableName]: batch } }),
    );
    if (Object.keys(UnprocessedItems).length > 0) throw new Error("Not all items were written.");
  };
  await Promise.all(batches.map(put));
}

/** Reads what follows the group's position, hands it over up to the first gap, and stores the position. */
async function consume(
  documents: DynamoDBDocumentClient,
  TableName: string,
  { group, signal, onMessage }: ConsumeOptions,
): Promise<void> {
  const Key = { p: `cursor|${group}`, s: 1 };
  const { Item: cursor } = await documents.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
  let position = Number(cursor?.["position"] ?? 0);
  let waitingSince = performance.now();
  while (!signal.aborted) {
    const { Items = [] } = await documents.send(new QueryCommand(queryAfter(TableName, position)));
    const before = position;
    for (const { s, id, key, body } of Items) {
      const patient = performance.now() - waitingSince < HOLE_PATIENCE_MS;
      if (s !== position + 1 && patient) break;
      position = Number(s);
      waitingSince = performance.now();
      onMessage({ id: String(id), key: String(key), body: JSON.parse(String(body)) as MessageBody });
    }
    if (position > before) await documents.send(new PutCommand({ TableName, Item: { ...Key, position } }));
    else await sleep(POLL_MS);
    if (Items.length === 0) waitingSince = performance.now();
  }
}

function queryAfter(TableName: string, position: number): QueryCommand["input"] {
  return {
    TableName,
    KeyConditionExpression: "p = :p AND s > :position",
    ExpressionAttributeValues: { ":p": MESSAGES, ":position": position },
    ConsistentRead: true,
  };
}
