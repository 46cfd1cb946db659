import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type { CreateTableCommandInput, DynamoDB } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { EventStoreRepo } from "@schemeless/event-store-adapter-dynamodb";
import type { OrderEvent } from "@tuppence/bench/order-events";
import { againAfterConflicts, isNamed } from "../again.ts";
import { type Peer, type PeerStore, VERSION_BEYOND } from "../peer.ts";

// As published, each `storeEvents` ends in "object_sizeof_1.default is not a function": that module has no such export.
const adapterRequire = createRequire(import.meta.resolve("@schemeless/event-store-adapter-dynamodb"));
const sizeOf = adapterRequire("object-sizeof") as { default?: unknown };
sizeOf.default ??= sizeOf;

const PREFIX = "orders-";
const DOMAIN = "order";

/** The table that its `init` creates, billed on demand like all others here. */
const TABLE = {
  TableName: `${PREFIX}schemeless-event-store`,
  AttributeDefinitions: [
    { AttributeName: "id", AttributeType: "S" },
    { AttributeName: "timeBucket", AttributeType: "S" },
    { AttributeName: "causationId", AttributeType: "S" },
    { AttributeName: "created", AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "id", KeyType: "HASH" },
    { AttributeName: "created", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "timeBucketIndex",
      KeySchema: [
        { AttributeName: "timeBucket", KeyType: "HASH" },
        { AttributeName: "created", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
    {
      IndexName: "causationIndex",
      KeySchema: [
        { AttributeName: "causationId", KeyType: "HASH" },
        { AttributeName: "created", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
  BillingMode: "PAY_PER_REQUEST",
} satisfies CreateTableCommandInput;

function openRepo(client: DynamoDB, bucket: string): EventStoreRepo {
  const s3 = new S3Client({
    endpoint: bucket,
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  return new EventStoreRepo(client, s3, {
    tableNamePrefix: PREFIX,
    s3BucketName: "events",
    skipDynamoDBTableCreation: true,
    skipS3BucketCreation: true,
  });
}

function store(
  repo: EventStoreRepo,
  stream: string,
  events: readonly OrderEvent[],
  options?: { readonly expectedSequence: number },
): Promise<void> {
  const created = new Date();
  return repo.storeEvents(
    events.map(({ type, data }) => ({
      id: randomUUID(),
      domain: DOMAIN,
      identifier: stream,
      type,
      payload: data,
      created,
    })),
    options,
  );
}

/** `storeEvents`, with the sequence that is expected; it has no read of one stream. */
export const schemeless: Peer = {
  name: "schemeless",
  label: "@schemeless",
  npmPackage: "@schemeless/event-store-adapter-dynamodb",
  tables: [TABLE],
  noLoads: "reads all streams only",
  open(client, bucket) {
    const repo = openRepo(client, bucket);
    return {
      async append(stream, events, version) {
        // Of a new stream, 0 is refused: the condition wants an item that says so. Without a number it reads first.
        await store(repo, stream, events, version === 0 ? undefined : { expectedSequence: version });
        return version + events.length;
      },
      openWriter: () => openWriter(openRepo(client, bucket)),
      appendsBeyond: [
        {
          how: "`expectedSequence: 500`",
          append: (stream, event) => store(repo, stream, [event], { expectedSequence: VERSION_BEYOND }),
        },
      ],
      async stored(stream) {
        const stored = [];
        for await (const page of await repo.getAllEvents()) {
          for (const { identifier, sequence, payload } of page) {
            if (identifier !== stream) continue;
            stored.push({ number: sequence ?? 0, orderId: (payload as OrderEvent["data"]).orderId });
          }
        }
        return stored.toSorted((one, other) => one.number - other.number);
      },
    };
  },
};

/** Without a sequence, `storeEvents` reads the one there is; there is no state of a stream to decide on. */
function openWriter(repo: EventStoreRepo): ReturnType<PeerStore["openWriter"]> {
  return (stream, event) =>
    againAfterConflicts(
      (error) => isNamed(error, "ConcurrencyError"),
      () => store(repo, stream, [event]),
    );
}
