import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import {
  abortedBy,
  createDynamoDBControlStorage,
  failRead,
  updateInput,
  withoutKeys,
} from "@tuppence/core/leases";
import { batchedFinds } from "./batched-finds.ts";
import { batchedUpdates } from "./batched-updates.ts";
import type { ItemRange, ScheduleStorage } from "./schedule-storage.ts";
import { schedulesTable } from "./schedules-table.ts";

/**
 * Schedules in the table `<prefix>-schedules`. Throttling and credential errors of the SDK pass through untouched. `onBatchesRefused` is told, once
 * each, that items can't be changed, or looked at, many at a time here: it is done by a request for each from then on.
 */
export function createDynamoDBScheduleStorage(
  client: DynamoDBClient,
  tablePrefix: string,
  onBatchesRefused: (error: unknown) => void = () => undefined,
): ScheduleStorage {
  const items = createDynamoDBControlStorage(client, tablePrefix, schedulesTable(tablePrefix));
  const control = createDynamoDBControlStorage(client, tablePrefix);
  const { tableName } = items;
  return {
    ...items,

    async query(range) {
      const command = new QueryCommand(queryInput(tableName, range));
      const { Items = [], LastEvaluatedKey } = await client
        .send(command, abortedBy(range.signal))
        .catch((error) => failRead(tableName, error));
      return {
        items: Items.map((item) => [String(item["s"]?.S), withoutKeys(item)] as const),
        more: LastEvaluatedKey !== undefined,
      };
    },

    findMany: batchedFinds({ client, items, onBatchesRefused }),
    updateMany: batchedUpdates({ client, items, onBatchesRefused }),

    // Workers keep their leases, and receivers what they have done, in the table of control items.
    ensureTables: async () => {
      await Promise.all([items.ensureTables(), control.ensureTables()]);
    },

    writesOf: (changes) => changes.map((change) => ({ Update: { ...updateInput(tableName, change) } })),
  };
}

function queryInput(tableName: string, range: ItemRange): QueryCommandInput {
  const { partition, from, to, after, limit, consistency } = range;
  const values: Record<string, AttributeValue> = { ":p": { S: partition } };
  if (from !== undefined) values[":from"] = { S: from };
  if (to !== undefined) values[":to"] = { S: to };
  return {
    TableName: tableName,
    KeyConditionExpression: `p = :p${sortCondition(range)}`,
    ExpressionAttributeValues: values,
    ExclusiveStartKey: after === undefined ? undefined : { p: { S: partition }, s: { S: after } },
    Limit: limit,
    ConsistentRead: consistency === "strong",
  };
}

function sortCondition({ from, to }: ItemRange): string {
  if (from !== undefined && to !== undefined) return " AND s BETWEEN :from AND :to";
  if (from !== undefined) return " AND s >= :from";
  return to === undefined ? "" : " AND s <= :to";
}
