import { randomBytes } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createS3Blobs } from "../src/s3-blobs.ts";
import { type BucketServer, startBucketServer } from "./bucket-server.ts";

let server: BucketServer;
let client: S3Client;

beforeAll(async () => {
  server = await startBucketServer();
  client = new S3Client({
    endpoint: server.endpoint,
    region: "eu-west-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
  });
});
afterAll(async () => {
  client.destroy();
  await server[Symbol.asyncDispose]();
});

it("keeps bodies above an item in the bucket, and gives them back", async () => {
  const store = createMemoryEventStore({
    blobs: createS3Blobs({ client, bucket: "bodies", prefix: "events/" }),
  });
  const scan = randomBytes(450_000).toString("base64");
  const { commitId } = await store.append("permit|1", [
    { type: "Scanned", data: { scan } },
    { type: "Noted", data: "small" },
  ]);
  const data: unknown[] = [];
  for await (const event of store.read("permit|1")) data.push(event.data);
  expect(data).toEqual([{ scan }, "small"]);
  expect([...server.objects.keys()]).toEqual([
    expect.stringMatching(new RegExp(`^/bodies/events/${commitId}/0-[0-9a-f]{32}$`)),
  ]);
});

it("knows an object that is not there", async () => {
  expect(await createS3Blobs({ client, bucket: "bodies" }).get("none")).toBeUndefined();
});

it("passes what S3 refuses through", async () => {
  const closed = new S3Client({
    endpoint: "http://127.0.0.1:1",
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
  });
  await expect(createS3Blobs({ client: closed, bucket: "bodies" }).get("any")).rejects.toThrow();
});

it("is given to a store as the README says", async () => {
  //#region readme
  const blobs = createS3Blobs({ client, bucket: "my-bodies", prefix: "events/" }); // client: new S3Client({})
  const store = createMemoryEventStore({ blobs }); // as does createEventStore({ client, events, blobs })
  //#endregion readme
  const scan = randomBytes(450_000).toString("base64");
  await store.append("permit|1", [{ type: "Scanned", data: { scan } }]);
  expect([...server.objects.keys()].at(-1)).toMatch(/^\/my-bodies\/events\//);
});
