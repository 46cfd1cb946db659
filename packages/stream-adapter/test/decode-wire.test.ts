import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { createEventStore, snapshotAfter } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { expect, it } from "vitest";
import { decodeRecord, type StreamRecord } from "../src/index.ts";

const server = await startDynamoDBLocal({ log: false });
const config = server.clientConfig("decodewire");
const streams = new DynamoDBStreamsClient(config);
const store = createEventStore({ client: new DynamoDBClient(config) });

/** What the service answers, as JSON: the form that Lambda hands on. */
async function getRecordsJson(ShardIterator: string): Promise<{ readonly Records: readonly unknown[] }> {
  const scope = `${config.credentials.accessKeyId}/20260101/${config.region}/dynamodb/aws4_request`;
  const reply = await fetch(server.endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "DynamoDBStreams_20120810.GetRecords",
      "x-amz-date": "20260101T000000Z",
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`,
    },
    body: JSON.stringify({ ShardIterator }),
  });
  return (await reply.json()) as { readonly Records: readonly unknown[] };
}

it("decodes what the service sends, by the SDK and as JSON, to the same commits and changes", async () => {
  await store.ensureTables();
  const fold = {
    initialState: () => "",
    // Too large to ride in a commit, and nothing that could be packed: it becomes an item of its own.
    evolve: () => randomBytes(6_000).toString("base64"),
    snapshot: { version: "1", every: 1 },
  };
  let loaded = await store.load("permit|1", fold);
  for (let version = 0; version < 3; version++) {
    await store.append("permit|1", [{ type: "Granted", data: { version } }], {
      expectedVersion: version,
      snapshot: snapshotAfter(fold, loaded),
    });
    loaded = await store.load("permit|1", fold);
  }
  await store.truncate("permit|1", fold, { before: 3 });

  const StreamArn = (await streams.send(new ListStreamsCommand())).Streams?.[0]?.StreamArn;
  const described = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = described.StreamDescription?.Shards?.[0]?.ShardId;
  const place = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
  const { ShardIterator = "" } = await streams.send(new GetShardIteratorCommand(place));
  const bySdk =
    (await streams.send(new GetRecordsCommand({ ShardIterator }))).Records?.map(decodeRecord) ?? [];
  const byJson = (await getRecordsJson(ShardIterator)).Records.map(decodeRecord);

  expect(byJson).toStrictEqual(bySdk);
  const shown = (record: StreamRecord): unknown =>
    record.kind === "unknown" ? record : [record.kind, record.change, record.keys["s"]?.N];
  expect(bySdk.filter(({ kind }) => kind === "commit").map(shown)).toEqual([
    ["commit", "insert", "1"],
    ["commit", "insert", "2"],
    ["commit", "insert", "3"],
  ]);
  const others = bySdk.filter(({ kind }) => kind !== "commit").map(shown);
  expect(others).toContainEqual(["change", "insert", "9007199254740992"]);
  expect(others).toContainEqual(["change", "modify", "1"]);
  expect(bySdk.every(({ changedAt }) => changedAt !== undefined)).toBe(true);
});
