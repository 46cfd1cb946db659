import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type AttributeValue,
  DeleteItemCommand,
  paginateQuery,
  paginateScan,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { EVENTS_TABLE, type OpenPlace } from "../src/place.ts";
import { Journal } from "../src/journal.ts";

/** Ways to spoil what a run has left behind, and to put it back. */

type StoredItem = Record<string, AttributeValue>;

async function itemsOf({ client }: OpenPlace, chain: string): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  const query = {
    TableName: EVENTS_TABLE,
    KeyConditionExpression: "p = :p",
    ExpressionAttributeValues: { ":p": { S: chain } },
    ConsistentRead: true,
  };
  for await (const { Items = [] } of paginateQuery({ client }, query)) items.push(...Items);
  return items;
}

/** Changes the items of a chain. Answers what puts back what was there, whatever was done to it meanwhile. */
export async function changeChain(
  place: OpenPlace,
  chain: string,
  next: (items: readonly StoredItem[]) => readonly StoredItem[],
): Promise<() => Promise<void>> {
  const before = await itemsOf(place, chain);
  const write = async (wanted: readonly StoredItem[]): Promise<void> => {
    const left = new Map((await itemsOf(place, chain)).map((item) => [item["s"]?.N, item]));
    for (const Item of wanted) {
      const stored = left.get(Item["s"]?.N);
      left.delete(Item["s"]?.N);
      if (isDeepStrictEqual(stored, Item)) continue;
      await place.client.send(new PutItemCommand({ TableName: EVENTS_TABLE, Item }));
    }
    for (const item of left.values()) {
      const Key = keyOf(item, ["p", "s"]);
      await place.client.send(new DeleteItemCommand({ TableName: EVENTS_TABLE, Key }));
    }
  };
  await write(next(before));
  return () => write(before);
}

/** The first item once more, behind the last. */
export function withTwin(items: readonly StoredItem[]): readonly StoredItem[] {
  return tiled([...items, ...items.slice(0, 1)]);
}

/** Exchanges the last two items. */
export function withLastExchanged(items: readonly StoredItem[]): readonly StoredItem[] {
  return tiled([...items.slice(0, -2), ...items.slice(-2).toReversed()]);
}

/** Moves items behind each other, whatever places they had. */
function tiled(items: readonly StoredItem[]): readonly StoredItem[] {
  let next = 1;
  return items.map((item) => {
    const s = { N: String(next) };
    next += Number(item["n"]?.N ?? 1);
    return { ...item, s };
  });
}

/** Changes the first item of a table that is of a kind, or takes it away. */
export async function replaceItem(
  { client }: OpenPlace,
  { table, is, keys }: { readonly table: string; readonly is: RegExp; readonly keys: readonly string[] },
  next: (item: StoredItem) => StoredItem | undefined,
): Promise<() => Promise<void>> {
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true })) {
    const before = Items.find(({ p }) => is.test(p?.S ?? ""));
    if (before === undefined) continue;
    const put = async (Item: StoredItem): Promise<void> => {
      await client.send(new PutItemCommand({ TableName: table, Item }));
    };
    const after = next(before);
    if (after !== undefined) await put(after);
    else {
      const Key = keyOf(before, keys);
      await client.send(new DeleteItemCommand({ TableName: table, Key }));
    }
    return () => put(before);
  }
  throw new Error(`${table} has no item like ${is}.`);
}

/** Lets a journal tell something else. */
export function rewrite<Entry extends object>(
  { folder }: OpenPlace,
  name: string,
  next: (entries: readonly Entry[]) => readonly Entry[],
): () => Promise<void> {
  const file = join(folder, `${name}.jsonl`);
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const after = next(new Journal<Entry>(folder, name).read());
  writeFileSync(file, after.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  return async () => writeFileSync(file, before);
}

function keyOf(item: StoredItem, keys: readonly string[]): StoredItem {
  return Object.fromEntries(Object.entries(item).filter(([name]) => keys.includes(name)));
}
