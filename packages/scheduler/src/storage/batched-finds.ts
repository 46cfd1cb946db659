import { type AttributeValue, BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type ControlItem,
  type ControlKey,
  type ControlStorage,
  failRead,
  isNamed,
  withoutKeys,
} from "@tuppence/core/leases";
import { REFUSED_NAMES } from "./batched-updates.ts";
import type { ScheduleStorage } from "./schedule-storage.ts";

/**
 * Many strongly consistent looks in one request, each of which is billed as its GetItem would be. What is left out of the reply is asked for alone.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 */
export function batchedFinds({
  client,
  items,
  onBatchesRefused,
}: {
  readonly client: DynamoDBClient;
  /** Looks at one. */
  readonly items: Pick<ControlStorage, "tableName" | "find">;
  /** Is told once. */
  readonly onBatchesRefused: (error: unknown) => void;
}): ScheduleStorage["findMany"] {
  const { tableName } = items;
  let isRefused = false;

  /** By their keys; of those that are missing nothing is known. */
  const findTogether = async (keys: readonly ControlKey[]): Promise<ReadonlyMap<string, Found>> => {
    if (isRefused) return new Map();
    const Keys = keys.map(({ partition, sort }) => ({ p: { S: partition }, s: { S: sort } }));
    const request = { RequestItems: { [tableName]: { Keys, ConsistentRead: true } } };
    try {
      const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request));
      const found = new Map<string, Found>(keys.map((key) => [textOf(key), undefined]));
      for (const item of Responses?.[tableName] ?? []) found.set(textOfItem(item), withoutKeys(item));
      for (const key of UnprocessedKeys?.[tableName]?.Keys ?? []) found.delete(textOfItem(key));
      return found;
    } catch (error) {
      if (!isNamed(error, ...REFUSED_NAMES)) return failRead(tableName, error);
      onBatchesRefused(error);
      isRefused = true;
      return new Map();
    }
  };

  return async (keys) => {
    const found = await findTogether(keys);
    return Promise.allSettled(
      keys.map(async (key) => {
        const text = textOf(key);
        return found.has(text) ? found.get(text) : items.find(key);
      }),
    );
  };
}

type Found = ControlItem | undefined;

/** A key as one text. */
export function textOf({ partition, sort }: ControlKey): string {
  return `${partition} ${sort}`;
}

function textOfItem({ p, s }: Readonly<Record<string, AttributeValue>>): string {
  return `${p?.S} ${s?.S}`;
}
