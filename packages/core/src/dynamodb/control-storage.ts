import {
  type AttributeValue,
  type ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  type QueryCommandOutput,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../capacity/item-size.ts";
import { UncertainWriteError } from "../chain/storage.ts";
import type {
  ControlChange,
  ControlItem,
  ControlKey,
  ControlStorage,
  ControlUpdate,
  ControlValue,
} from "../control/control-storage.ts";
import { isNamed, reasonsOf } from "./aws-errors.ts";
import { abortedBy } from "./calls.ts";
import { ensureTable } from "./ensure-table.ts";
import { failRead, failWrite } from "./failures.ts";
import { CONTROL_TTL_ATTRIBUTE, controlTable, type TableDefinition } from "./tables.ts";

/**
 * Control items in the table `<prefix>-control`, or in another one with the same keys and the same TTL attribute. Throttling and
 * credential errors of the SDK pass through untouched.
 */
export function createDynamoDBControlStorage(
  client: DynamoDBClient,
  tablePrefix: string,
  definition: TableDefinition = controlTable(tablePrefix),
): ControlStorage {
  const tableName = definition.TableName as string;
  return {
    tableName,

    async update(update, signal) {
      const command = new UpdateItemCommand({
        ...updateInput(tableName, update),
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      try {
        const { Attributes } = await client.send(command, abortedBy(signal));
        return { applied: true, item: withoutKeys(Attributes ?? {}) };
      } catch (error) {
        if (!isNamed(error, "ConditionalCheckFailedException")) return failWrite(tableName, error);
        const { Item, $metadata } = error as ConditionalCheckFailedException;
        return {
          applied: false,
          item: Item && withoutKeys(Item),
          resent: ($metadata.attempts ?? 1) > 1,
        };
      }
    },

    async transact(changes, also, signal) {
      const own = changes.map((change: ControlChange) =>
        "delete" in change
          ? { Delete: deleteInput(tableName, change) }
          : { Update: updateInput(tableName, change) },
      );
      try {
        const command = new TransactWriteItemsCommand({ TransactItems: [...own, ...also] });
        await client.send(command, abortedBy(signal));
        return { applied: true };
      } catch (error) {
        const reasons = reasonsOf(error);
        const refused = reasons.flatMap(({ Code }, index) =>
          Code === "ConditionalCheckFailed" ? [index] : [],
        );
        if (refused.length > 0) return { applied: false, refused };
        // Another transaction or write on one of the items was under way.
        if (reasons.some(({ Code }) => Code === "TransactionConflict")) {
          throw new UncertainWriteError({ mayBeWritten: false, cause: error });
        }
        return failWrite(tableName, error);
      }
    },

    async find(key, signal) {
      const command = new GetItemCommand({ TableName: tableName, Key: keyOf(key), ConsistentRead: true });
      const { Item } = await client
        .send(command, abortedBy(signal))
        .catch((error) => failRead(tableName, error));
      return Item && withoutKeys(Item);
    },

    async list(partition, { consistency, signal }) {
      const found = new Map<string, ControlItem>();
      let from: QueryCommandOutput["LastEvaluatedKey"];
      do {
        const command: QueryCommand = new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: "p = :p",
          ExpressionAttributeValues: { ":p": { S: partition } },
          ConsistentRead: consistency === "strong",
          ExclusiveStartKey: from,
        });
        const page = await client
          .send(command, abortedBy(signal))
          .catch((error) => failRead(tableName, error));
        for (const item of page.Items ?? []) found.set(String(item["s"]?.S), withoutKeys(item));
        from = page.LastEvaluatedKey;
      } while (from !== undefined);
      return found;
    },

    async delete(key, signal) {
      const command = new DeleteItemCommand({ TableName: tableName, Key: keyOf(key) });
      await client.send(command, abortedBy(signal)).catch((error) => failWrite(tableName, error));
    },

    ensureTables: () => ensureTable(client, definition, CONTROL_TTL_ATTRIBUTE),
  };
}

/** A conditional change in the words of DynamoDB: what UpdateItem takes, and an `Update` of TransactWriteItems. */
export interface UpdateInput {
  readonly TableName: string;
  readonly Key: Record<string, AttributeValue>;
  readonly UpdateExpression: string;
  readonly ConditionExpression: string | undefined;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, AttributeValue>;
}

/** In the words of DynamoDB; names and values are given where there are some: empty ones are refused. */
function deleteInput(
  tableName: string,
  change: Extract<ControlChange, { readonly delete: ControlKey }>,
): Omit<UpdateInput, "UpdateExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"> &
  Partial<UpdateInput> {
  const { condition, names, values } = conditionOf(change.where);
  return {
    TableName: tableName,
    Key: keyOf(change.delete),
    ConditionExpression: condition,
    ...(condition === undefined ? undefined : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? undefined : { ExpressionAttributeValues: values }),
  };
}

function conditionOf(where: ControlUpdate["where"]): {
  readonly condition: string | undefined;
  readonly names: Record<string, string>;
  readonly values: Record<string, AttributeValue>;
} {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const conditions: string[] = [];
  for (const [name, value] of Object.entries(where)) {
    names[`#${name}`] = name;
    if (value === undefined) conditions.push(`attribute_not_exists(#${name})`);
    else {
      values[`:old_${name}`] = attributeOf(value);
      conditions.push(`#${name} = :old_${name}`);
    }
  }
  return { condition: conditions.length > 0 ? conditions.join(" AND ") : undefined, names, values };
}

/** A change in the words of DynamoDB, for a transaction of somebody else's. */
export function updateInput(tableName: string, { key, where, set }: ControlUpdate): UpdateInput {
  const { condition, names, values } = conditionOf(where);
  const assigned: string[] = [];
  const removed: string[] = [];
  for (const [name, value] of Object.entries(set)) {
    names[`#${name}`] = name;
    if (value === undefined) removed.push(`#${name}`);
    else {
      values[`:new_${name}`] = attributeOf(value);
      assigned.push(`#${name} = :new_${name}`);
    }
  }
  const clauses = [
    assigned.length > 0 && `SET ${assigned.join(", ")}`,
    removed.length > 0 && `REMOVE ${removed.join(", ")}`,
  ].filter((clause) => clause !== false);
  return {
    TableName: tableName,
    Key: keyOf(key),
    UpdateExpression: clauses.join(" "),
    ConditionExpression: condition,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

function keyOf({ partition, sort }: ControlKey): Record<string, AttributeValue> {
  return { p: { S: partition }, s: { S: sort } };
}

/** A value in the words of DynamoDB. */
export function attributeOf(value: ControlValue): AttributeValue {
  return typeof value === "number" ? { N: String(value) } : { S: value };
}

/** An item's attributes but for its keys, and for what is neither text nor number. */
export function withoutKeys(item: Item): ControlItem {
  const values = Object.entries(item).flatMap(([name, value]): [string, ControlValue][] => {
    if (name === "p" || name === "s") return [];
    if (value.N !== undefined) return [[name, Number(value.N)]];
    return value.S === undefined ? [] : [[name, value.S]];
  });
  return Object.fromEntries(values);
}
