import {
  CreateTableCommand,
  type DynamoDBClient,
  paginateScan,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import {
  createMemoryProjectionStorage,
  createProjections,
  createProjectionWorker,
  defineProjection,
} from "@tuppence/projections";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  createQueue,
  type GroupEvent,
  type Message,
  type Queue,
  type TransactionConsumeOptions,
} from "../src/index.ts";
import { connectionReset, interceptRequests } from "./client-faults.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";

const DATABASE = "queueexactlyonce";
const LEDGER = "ledger";
const FAST = { backoff: { baseMs: 1, maxMs: 10 }, pollIntervalMs: 5, maxIdleMs: 20 };

beforeAll(async () => {
  const client = connect(DATABASE);
  await createQueue({ client, name: "any" }).ensureTables();
  await client.send(
    new CreateTableCommand({
      TableName: LEDGER,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
    }),
  );
});

/** One more for a message. */
function count(name: string): TransactWriteItem {
  return {
    Update: {
      TableName: LEDGER,
      Key: { p: { S: name } },
      UpdateExpression: "ADD #n :one",
      ExpressionAttributeNames: { "#n": "n" },
      ExpressionAttributeValues: { ":one": { N: "1" } },
    },
  };
}

async function countsOf(prefix: string): Promise<readonly string[]> {
  const counts: string[] = [];
  for await (const { Items = [] } of paginateScan(
    { client: connect(DATABASE) },
    { TableName: LEDGER, ConsistentRead: true },
  )) {
    for (const { p, n } of Items) if (p?.S?.startsWith(prefix)) counts.push(`${p.S}: ${n?.N}`);
  }
  return counts.toSorted();
}

async function consumeAll(
  queue: Queue,
  handler: (messages: readonly Message[]) => readonly TransactWriteItem[],
  options: Partial<TransactionConsumeOptions> = {},
): Promise<void> {
  const consumer = queue.consume("g", handler, { ...FAST, ...options, mode: "transaction" });
  onTestFinished(() => consumer.stop({ drainMs: 0 }));
  await consumer.start();
  await consumer.caughtUp();
  await consumer.stop();
}

const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ body: from + index }));

/** Loses the replies of two of three moves of a cursor, after they were carried out or before. */
function loseReplies(client: DynamoDBClient): { lost: number } {
  const tally = { lost: 0 };
  const counts = new Map<string, number>();
  interceptRequests(client, async ({ operation, input }, send) => {
    const isMove = operation === "TransactWriteItems" || JSON.stringify(input).includes(":new_position");
    if (!isMove) return send();
    const nth = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, nth);
    if (nth % 3 === 0) return send();
    tally.lost++;
    if (nth % 3 === 1) await send();
    throw connectionReset();
  });
  return tally;
}

describe("a group whose writes are made with its cursor", () => {
  it("does each message once, though two of three replies are lost", async () => {
    const client = connect(DATABASE);
    const queue = createQueue({ client, name: "lost" });
    await queue.enqueue(messages(1, 24));
    const tally = loseReplies(client);
    await consumeAll(queue, (batch) => batch.map(({ position }) => count(`lost ${position}`)), {
      batchSize: 4,
    });
    expect(await countsOf("lost ")).toEqual(
      messages(1, 24)
        .map(({ body }) => `lost ${body}: 1`)
        .toSorted(),
    );
    expect(tally.lost).toBeGreaterThan(10);
  });

  it("halves batches of which too many writes follow, and parks a message of which too many do", async () => {
    const queue = createQueue({ client: connect(DATABASE), name: "many" });
    await queue.enqueue(messages(1, 5));
    const sizes: number[] = [];
    const handler = (batch: readonly Message[]): TransactWriteItem[] => {
      sizes.push(batch.length);
      return batch.flatMap(({ body, position }) =>
        Array.from({ length: body === 4 ? 100 : 30 }, (_, index) => count(`many ${position}/${index}`)),
      );
    };
    await consumeAll(queue, handler, { batchSize: 5, onFailure: "parkMessage", maxAttempts: 1 });
    expect(await countsOf("many ")).toHaveLength(120);
    const [parked, ...others] = await queue.parked("g");
    expect(parked?.position).toBe(4);
    expect(parked?.failures[0]?.error).toContain("100 writes follow");
    expect(others).toEqual([]);
    expect(Math.max(...sizes)).toBe(5);
  });

  it("takes a write that is refused by its condition for a failure of the message", async () => {
    const queue = createQueue({ client: connect(DATABASE), name: "refused" });
    await queue.enqueue(messages(1, 3));
    const retries: GroupEvent[] = [];
    const handler = ([message]: readonly Message[]): TransactWriteItem[] => {
      const write = count(`refused ${message?.position}`);
      const condition = { ConditionExpression: "attribute_exists(#n)" };
      return message?.body === 2 ? [{ Update: { ...write.Update, ...condition } as never }] : [write];
    };
    await consumeAll(queue, handler, {
      onFailure: "parkKey",
      maxAttempts: 3,
      onEvent: (event) => event.type === "retrying" && retries.push(event),
    });
    expect(await countsOf("refused ")).toEqual(["refused 1: 1", "refused 3: 1"]);
    expect(await queue.parked("g")).toMatchObject([{ position: 2, failures: [{ attempts: 3 }] }]);
    expect(retries).toHaveLength(2);
  });
});

describe("a reactor that enqueues", () => {
  it("enqueues each event once, whatever happens in between, and however often it is done again", async () => {
    const place = { storage: createMemoryStorage(), control: createMemoryControlStorage() };
    const store = createMemoryEventStore();
    const storage = createMemoryProjectionStorage();
    // No window: what a message follows from says how far to look back.
    const queue = createQueue({
      ...place,
      name: "letters",
      dedupWindowMs: 0,
    }) as Queue<string>;
    const attempts = new Map<string, number>();
    let isBroken = true;
    const letters = defineProjection({
      name: "letters",
      version: 1,
      maxAttempts: 2,
      async react(event, { idempotencyKey }) {
        const attempt = (attempts.get(event.eventId) ?? 0) + 1;
        attempts.set(event.eventId, attempt);
        if (isBroken && event.version === 3) throw new Error("not yet");
        await queue.enqueue({
          body: `${event.streamId}@${event.version}`,
          key: event.streamId,
          messageId: idempotencyKey,
          since: event.recordedAt,
        });
        // It is enqueued, and nobody knows.
        if (attempt === 1) throw connectionReset();
      },
    });
    for (let version = 1; version <= 5; version++)
      await store.append("permit|1", [{ type: "Decided", data: {} }]);
    await store.append("permit|2", [{ type: "Decided", data: {} }]);
    const run = async (): Promise<void> => {
      await using worker = createProjectionWorker({
        store,
        storage,
        projections: [letters],
        leaseDurationMs: 3_000,
      });
      worker.start();
      await worker.reached();
    };
    const bodies = async (): Promise<string[]> => (await collect(queue.read(1))).map(({ body }) => body);
    await run();
    expect(await bodies()).toEqual(["permit|1@1", "permit|1@2", "permit|2@1"]);
    isBroken = false;
    const projections = createProjections({ storage, store });
    await projections.replay("letters");
    await using worker = createProjectionWorker({
      store,
      storage,
      projections: [letters],
      leaseDurationMs: 3_000,
    });
    worker.start();
    const all = ["permit|1@1", "permit|1@2", "permit|2@1", "permit|1@3", "permit|1@4", "permit|1@5"];
    await expect.poll(bodies, { timeout: 30_000 }).toEqual(all);
    await worker.stop();
    // All effects are repeated.
    await projections.reset("letters");
    const before = new Map(attempts);
    await run();
    for (const [eventId, times] of before) expect(attempts.get(eventId)).toBeGreaterThan(times);
    expect(await bodies()).toEqual(all);
  });
});
