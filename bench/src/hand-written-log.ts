import {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Database } from "./databases.ts";
import type { PermitCommit } from "./permit-events.ts";

/**
 * The baseline: a global log as one would write it by hand, with positions from an atomic counter and one item for each event,
 * its data as JSON text. Unlike ours, it has holes after a crash, and what is delivered twice is in it twice.
 */
export interface HandWrittenLog {
  /** Takes positions for all events with one update, then writes 25 items a request, 4 requests at a time. */
  readonly appendBatches: (commits: readonly PermitCommit[]) => Promise<void>;
  /** Takes a position for each event and puts it, one after the other, as only that keeps the order. */
  readonly appendEach: (commits: readonly PermitCommit[]) => Promise<void>;
  /** All events, from the first on; the number of them. */
  readonly replay: () => Promise<number>;
}

/** The partition of the hand-written log. */
export const HAND_WRITTEN_LOG = "log";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const BATCH_ITEMS = 25;
const CONCURRENT_BATCHES = 4;

export function createHandWrittenLog({ client, tableName }: Database): HandWrittenLog {
  const documents = DynamoDBDocumentClient.from(client);
  const takePositions = async (count: number): Promise<number> => {
    const { Attributes } = await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: { p: "counter", s: 1 },
        UpdateExpression: "ADD nextPosition :count",
        ExpressionAttributeValues: { ":count": count },
        ReturnValues: "UPDATED_NEW",
      }),
    );
    return Number(Attributes?.["nextPosition"]) - count + 1;
  };
  return {
    async appendBatches(commits) {
      const events = commits.flatMap(eventsOf);
      const first = await takePositions(events.length);
      const requests = events.map((event, index) => ({ PutRequest: { Item: itemOf(event, first + index) } }));
      const batches = Array.from({ length: Math.ceil(requests.length / BATCH_ITEMS) }, (_, index) =>
        requests.slice(index * BATCH_ITEMS, (index + 1) * BATCH_ITEMS),
      );
      const write = async (): Promise<void> => {
        for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
          const { UnprocessedItems = {} } = await documents.send(
            new BatchWriteCommand({ RequestItems: { [tableName]: batch } }),
          );
          if (Object.keys(UnprocessedItems).length > 0) throw new Error("Not all items were written.");
        }
      };
      await Promise.all(Array.from({ length: CONCURRENT_BATCHES }, write));
    },
    async appendEach(commits) {
      for (const event of commits.flatMap(eventsOf)) {
        const Item = itemOf(event, await takePositions(1));
        await documents.send(new PutCommand({ TableName: tableName, Item }));
      }
    },
    async replay() {
      let events = 0;
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await documents.send(
          new QueryCommand({
            TableName: tableName,
            KeyConditionExpression: "p = :p",
            ExpressionAttributeValues: { ":p": HAND_WRITTEN_LOG },
            ExclusiveStartKey,
          }),
        );
        for (const { data, ...place } of page.Items ?? []) {
          const event = { ...place, data: JSON.parse(String(data)) as unknown };
          if (event.data !== undefined) events++;
        }
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
      return events;
    },
  };
}

interface PlacedEvent {
  readonly streamId: string;
  readonly version: number;
  readonly type: string;
  readonly data: unknown;
}

function eventsOf({ streamId, firstVersion, events }: PermitCommit): PlacedEvent[] {
  return events.map((event, index) => ({ streamId, version: firstVersion + index, ...event }));
}

function itemOf({ data, ...place }: PlacedEvent, position: number): Record<string, unknown> {
  return { p: HAND_WRITTEN_LOG, s: position, ...place, t: Date.now(), data: JSON.stringify(data) };
}
