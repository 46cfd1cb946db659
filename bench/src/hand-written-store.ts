import { randomUUID } from "node:crypto";
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { Database } from "./databases.ts";
import type { OrderEvent } from "./order-events.ts";

/**
 * The baseline: what one would write by hand for a table of the same keys, index and stream. One `PutItem` for an
 * append, data as native maps and lists, the place in the stream kept free by a condition.
 */
export interface HandWrittenStore {
  /**
   * Appends after `version`, which the caller knows, and returns the version of the last event appended.
   *
   * @throws ConditionalCheckFailedException when somebody else did.
   */
  readonly append: (streamId: string, events: readonly OrderEvent[], version: number) => Promise<number>;
  /** The version of a stream: 1 strongly consistent request. */
  readonly version: (streamId: string) => Promise<number>;
}

export function createHandWrittenStore({
  client,
  tableName,
}: Pick<Database, "client" | "tableName">): HandWrittenStore {
  const documents = DynamoDBDocumentClient.from(client);
  return {
    append: async (streamId, events, version) => {
      const content = events.length === 1 ? events[0] : { n: events.length, events };
      await documents.send(
        new PutCommand({
          TableName: tableName,
          Item: {
            p: streamId,
            s: version + 1,
            id: randomUUID(),
            t: Date.now(),
            // The key of the index of streams, in the first item of a stream only, as in our table.
            ...(version === 0 ? { c: streamId.slice(0, streamId.indexOf("|")) } : undefined),
            ...content,
          },
          ConditionExpression: "attribute_not_exists(p)",
        }),
      );
      return version + events.length;
    },
    version: async (streamId) => {
      const { Items: items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: "p = :p",
          ProjectionExpression: "s, n",
          ExpressionAttributeValues: { ":p": streamId },
          ScanIndexForward: false,
          ConsistentRead: true,
          Limit: 1,
        }),
      );
      const [last] = items;
      return last === undefined ? 0 : Number(last["s"]) + Number(last["n"] ?? 1) - 1;
    },
  };
}
