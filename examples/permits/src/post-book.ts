import {
  type DynamoDBClient,
  paginateQuery,
  QueryCommand,
  type QueryCommandInput,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import type { TableDefinition } from "@tuppence/core";
import type { Message } from "@tuppence/queue";
import type { Letter } from "./letters.ts";

/** A letter that a group has sent. */
export interface SentLetter {
  /** Its position in the queue. */
  readonly position: number;
  readonly letter: Letter;
  /** In epoch milliseconds. */
  readonly sentAt: number;
}

/**
 * The post book: what each group has sent, in pages that are numbered as they were written. It is an application's own table, in which the handler of a
 * group writes a page for each of its batches.
 */
export const POST_BOOK: TableDefinition = {
  TableName: "permits-post-book",
  AttributeDefinitions: [
    { AttributeName: "p", AttributeType: "S" },
    { AttributeName: "s", AttributeType: "N" },
  ],
  KeySchema: [
    { AttributeName: "p", KeyType: "HASH" },
    { AttributeName: "s", KeyType: "RANGE" },
  ],
  BillingMode: "PAY_PER_REQUEST",
};

const { TableName } = POST_BOOK;

/** The write that puts the letters into the group's book: a page that nobody has written yet. */
export async function nextPage(
  client: DynamoDBClient,
  group: string,
  messages: readonly Message<Letter>[],
): Promise<TransactWriteItem> {
  const last = await client.send(
    new QueryCommand({ ...pagesOf(group), ScanIndexForward: false, Limit: 1, ProjectionExpression: "s" }),
  );
  const number = Number(last.Items?.[0]?.["s"]?.N ?? 0) + 1;
  const sentAt = Date.now();
  const page: readonly SentLetter[] = messages.map(({ position, body }) => ({
    position,
    letter: body,
    sentAt,
  }));
  return {
    Put: {
      TableName,
      Item: { p: { S: group }, s: { N: String(number) }, letters: { S: JSON.stringify(page) } },
      ConditionExpression: "attribute_not_exists(p)",
    },
  };
}

/** All that a group has sent, in the order in which it did. */
export async function readPostBook(client: DynamoDBClient, group: string): Promise<readonly SentLetter[]> {
  const sent: SentLetter[] = [];
  for await (const { Items = [] } of paginateQuery({ client }, pagesOf(group))) {
    for (const { letters } of Items) sent.push(...(JSON.parse(String(letters?.S)) as SentLetter[]));
  }
  return sent;
}

function pagesOf(group: string): QueryCommandInput {
  return {
    TableName,
    KeyConditionExpression: "p = :p",
    ExpressionAttributeValues: { ":p": { S: group } },
    ConsistentRead: true,
  };
}
