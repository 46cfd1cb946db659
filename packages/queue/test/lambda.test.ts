import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { NonRetryableError } from "@tuppence/core/failures";
import { startDynamoDBLocal } from "@tuppence/local";
import {
  type EventSourceMapping,
  inProcessFunction,
  type LocalFunction,
  mappingOptions,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createQueue, type Queue } from "../src/index.ts";
import {
  createQueueHandler,
  type QueueHandlerOptions,
  queueEventSourceMapping,
} from "../src/lambda/index.ts";

const server = await startDynamoDBLocal({ log: false });
const PATIENCE = { timeout: 60_000, interval: 50 };
const BY_HAND = { Records: [] };
const DONE = { payload: JSON.stringify({ batchItemFailures: [] }), functionError: undefined };

type Config = ReturnType<typeof server.clientConfig>;

async function openQueue(database: string): Promise<{ readonly queue: Queue; readonly config: Config }> {
  const config = server.clientConfig(database);
  const queue = createQueue({ client: new DynamoDBClient(config), name: "letters" });
  await queue.ensureTables();
  return { queue, config };
}

/** Each of the kinds without what all have here. */
type Given<Options> = Options extends { readonly client: DynamoDBClient }
  ? Omit<Options, "client" | "queue" | "group">
  : never;

function consumer(
  config: Config,
  { timeoutMs = 60_000, ...options }: Given<QueueHandlerOptions> & { readonly timeoutMs?: number },
): LocalFunction {
  const handler = createQueueHandler({
    client: new DynamoDBClient(config),
    queue: "letters",
    group: "postman",
    backoff: { baseMs: 1, maxMs: 10 },
    logger: { warn: () => undefined, error: () => undefined },
    ...options,
  });
  return inProcessFunction({ name: "postman", handler, timeoutMs });
}

/** Connects a function with the stream of the table, as AWS would from the same settings. */
async function connect(config: Config, fn: LocalFunction): Promise<EventSourceMapping> {
  const mapping = await startEventSourceMapping({
    config,
    tableName: "tuppence-events",
    function: fn,
    ...mappingOptions(queueEventSourceMapping("letters")),
  });
  onTestFinished(() => mapping.stop());
  return mapping;
}

const bodies = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ body: index + 1, key: `k${index % 3}` }));

describe("a group in a function", () => {
  it("is at the queue's end as soon as the mapping has caught up, whatever is delivered twice", async () => {
    const { queue, config } = await openQueue("queuelambda");
    const seen: unknown[] = [];
    const inner = consumer(config, {
      handler: (messages) => seen.push(...messages.map(({ body }) => body)),
      batchSize: 10,
    });
    const events: object[] = [];
    const mapping = await connect(config, {
      name: inner.name,
      async invoke(event, options) {
        events.push(event as object);
        return inner.invoke(event, options);
      },
    });
    for (let call = 0; call < 3; call++) await queue.enqueue(bodies(20));
    // Of another queue.
    await createQueue({ client: new DynamoDBClient(config), name: "others" }).enqueue({ body: 0 });
    await mapping.whenCaughtUp();
    const all = Array.from({ length: 3 }, () => bodies(20).map(({ body }) => body)).flat();
    expect(seen).toEqual(all);
    for (const event of events) expect(await inner.invoke(event)).toEqual(DONE);
    expect(seen).toEqual(all);
    expect(JSON.stringify(events)).not.toContain("$queue|others");
    expect(await queue.status("postman")).toMatchObject({
      depth: 0,
      position: 60,
      lanes: [{ owner: undefined }],
    });
  });

  it("goes on in the next invocation when the time of one is over", async () => {
    const { queue, config } = await openQueue("queuelambdatime");
    await queue.enqueue(bodies(60));
    const seen: unknown[] = [];
    const fn = consumer(config, {
      async handler({ body }) {
        // An effect takes its time.
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(body);
      },
      timeoutMs: 2_000,
      marginMs: 1_000,
    });
    const replies: unknown[] = [];
    await vi.waitFor(async () => {
      replies.push(await fn.invoke(BY_HAND));
      expect(replies.at(-1)).toEqual(DONE);
    }, PATIENCE);
    expect(replies.length).toBeGreaterThan(1);
    expect([...new Set(seen)]).toEqual(bodies(60).map(({ body }) => body));
  });

  it("fails the invocation while a message blocks its lane, and the other lanes go on", async () => {
    const { queue, config } = await openQueue("queuelambdablocked");
    let isBroken = true;
    const seen = new Set<unknown>();
    const fn = consumer(config, {
      handler({ body }) {
        if (isBroken && body === 2) throw new NonRetryableError("not yet");
        seen.add(body);
      },
      lanes: 3,
    });
    const mapping = await connect(config, fn);
    await queue.enqueue(bodies(9));
    await vi.waitFor(() => expect(mapping.stats.failures).toBeGreaterThan(1), PATIENCE);
    // The key of the message that blocks is in one lane; others may share it.
    expect(seen.has(1)).toBe(true);
    expect(seen.has(5)).toBe(false);
    const { lanes } = await queue.status("postman");
    expect(lanes.filter(({ failing }) => failing?.blockedAt === 2)).toHaveLength(1);
    isBroken = false;
    await mapping.whenCaughtUp();
    expect(seen.size).toBe(9);
    expect((await queue.status("postman")).lanes.filter(({ failing }) => failing)).toEqual([]);
  });

  it("handles what is parked and was asked for, when it is invoked by hand", async () => {
    const { queue, config } = await openQueue("queuelambdaparked");
    let isBroken = true;
    const seen: unknown[] = [];
    const fn = consumer(config, {
      handler({ body }) {
        if (isBroken && body === 2) throw new NonRetryableError("not yet");
        seen.push(body);
      },
      onFailure: "parkKey",
    });
    await queue.enqueue(bodies(9));
    expect(await fn.invoke(BY_HAND)).toEqual(DONE);
    expect(seen).toEqual([1, 3, 4, 6, 7, 9]);
    isBroken = false;
    expect(await queue.redrive("postman")).toBe(3);
    expect(await fn.invoke(BY_HAND)).toEqual(DONE);
    expect(seen.slice(6)).toEqual([2, 5, 8]);
    expect(await queue.parked("postman")).toEqual([]);
  });
});
