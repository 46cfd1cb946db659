import { CreateTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
//#region decode
import { brotliDecompressSync, inflateRawSync } from "node:zlib";
import {
  type AttributeValue,
  type DynamoDBClient,
  paginateQuery,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import { commitIdFrom, type JsonValue, type TransferredCommit } from "@tuppence/core";

type Attributes = Record<string, AttributeValue>;

/** A body of `Codec.compress(Codec.json())`: 0 as it is, 1 raw deflate, 2 brotli. */
function decode(body: Uint8Array | undefined, encoding: number): JsonValue | undefined {
  if (body === undefined || body.length === 0) return undefined;
  const bytes = encoding === 1 ? inflateRawSync(body) : encoding === 2 ? brotliDecompressSync(body) : body;
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as JsonValue;
}

/** The events of an item of equinox-js: a batch, or the tip of a stream. Its unfolds (`u`) are states, and stay behind. */
function commitsOfItem(item: Attributes): TransferredCommit[] {
  const name = item["p"]?.S ?? "";
  const [category = "", ...id] = name.split("-");
  const types = item["c"]?.L ?? [];
  const first = Number(item["n"]?.N) - types.length + 1; // `n` is the index behind the last one, from 0
  return (item["e"]?.L ?? []).map(({ M: event = {} }, index) => {
    const metadata = decode(event["m"]?.B, Number(event["M"]?.N)) as Record<string, JsonValue> | undefined;
    return {
      streamId: `${category}|${id.join("-")}`,
      firstVersion: first + index,
      commitId: commitIdFrom(`equinox/${name}/${first + index}`), // an import can be repeated
      recordedAt: event["t"]?.S,
      ...(metadata && { metadata }),
      events: [{ type: types[index]?.S ?? "", data: decode(event["d"]?.B, Number(event["D"]?.N)) ?? {} }],
    };
  });
}
//#endregion decode
//#region streams
/** All events of a table: each stream has one tip, and its items come in order. */
export async function* commitsOfEquinox(
  client: DynamoDBClient,
  TableName: string,
): AsyncGenerator<TransferredCommit> {
  const tips = {
    TableName,
    FilterExpression: "i = :tip",
    ExpressionAttributeValues: { ":tip": { N: "2147483647" } },
  };
  for await (const { Items: found = [] } of paginateScan({ client }, tips)) {
    for (const { p: name = { S: "" } } of found) {
      const stream = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: "p = :name",
        ExpressionAttributeValues: { ":name": name },
      };
      for await (const { Items: items = [] } of paginateQuery({ client }, stream)) {
        yield* items.flatMap(commitsOfItem);
      }
    }
  }
}
//#endregion streams

const text = (value: string): AttributeValue => ({ S: value });
const event = (time: string, body: string, encoding = "0"): AttributeValue => ({
  M: { t: text(time), d: { B: Buffer.from(body, "base64") }, D: { N: encoding } },
});
const LONG = "G0kAAEQ3l+pYNiRbM/wiBw+/pnPHOGC/6c0223SmGQMOBn8I7PPxrqbS8A8UI0MuOEakozNKgGGjzXdi1jj8";
/** What `@equinox-js/dynamo-store` 1.2.0 stored: two batches, and the tip. */
const recorded: readonly Attributes[] = [
  {
    p: text("Favorites-client-1"),
    i: { N: "0" },
    c: { L: [text("Favorited")] },
    u: { L: [] },
    e: { L: [event("2026-11-30T16:16:03.028Z", "eyJza3UiOiJhLTEifQ==")] },
    n: { N: "1" },
  },
  {
    p: text("Favorites-client-1"),
    i: { N: "1" },
    c: { L: [text("Favorited"), text("Unfavorited")] },
    u: { L: [] },
    e: {
      L: [
        event("2026-11-30T16:16:03.161Z", "eyJza3UiOiJiLTIifQ=="),
        event("2026-11-30T16:16:03.161Z", "eyJza3UiOiJhLTEifQ=="),
      ],
    },
    n: { N: "3" },
  },
  {
    p: text("Favorites-client-1"),
    a: { N: "1" },
    b: { N: "188" },
    c: { L: [text("Favorited"), text("Favorited")] },
    e: {
      L: [
        event("2026-11-30T16:16:03.631Z", "eyJza3UiOiJjLTMifQ=="),
        event("2026-11-30T16:16:03.923Z", LONG, "2"),
      ],
    },
    u: { L: [] },
    i: { N: "2147483647" },
    etag: text("65da721d-7c9f-4af9-9777-1542469f24b4"),
    n: { N: "5" },
  },
];

it("keeps versions and times", async () => {
  const printed = capturePrinted();
  const client = connect("howtoequinox");
  await client.send(
    new CreateTableCommand({
      TableName: "equinox-events",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "p", AttributeType: "S" },
        { AttributeName: "i", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "p", KeyType: "HASH" },
        { AttributeName: "i", KeyType: "RANGE" },
      ],
    }),
  );
  for (const Item of recorded) await client.send(new PutItemCommand({ TableName: "equinox-events", Item }));
  const store = createMemoryEventStore();
  //#region import
  const result = await store.importCommits(commitsOfEquinox(client, "equinox-events"));
  console.log(result.events, "events,", result.duplicates, "there already");

  for await (const { version, type, data, recordedAt } of store.read("Favorites|client-1")) {
    console.log(version, type, JSON.stringify(data), recordedAt.toISOString());
  }
  //#endregion import
  const again = await store.importCommits(commitsOfEquinox(client, "equinox-events"));
  expect(again.duplicates).toBe(5);
  await expectAllShown("how-to/move-from-equinox-js.md", printed, { import: 6 });
});
