import { SQSClient } from "@aws-sdk/client-sqs";
import type { Context, SQSEvent } from "aws-lambda";
import { afterEach, describe, expect, it } from "vitest";
import { createRelayHandler, createSqsRelay, relayEventSourceMapping } from "../src/relay/sqs/index.ts";
import { createScheduler } from "../src/scheduler.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import { call } from "../src/targets/call.ts";
import type { Occurrence } from "../src/targets/target.ts";
import { type JsonReply, type JsonRequest, type JsonService, startJsonService } from "./json-service.ts";

const services: JsonService[] = [];

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

/** A queue of which only the replies are there. */
async function queue(answer: (request: JsonRequest) => JsonReply = () => ({ body: {} })) {
  const service = await startJsonService(answer);
  services.push(service);
  const queueUrl = `${service.clientConfig.endpoint}/000000000000/wake-ups`;
  // Its messages' checksums are not the matter here.
  const client = new SQSClient({ ...service.clientConfig, md5: false });
  return { service, queueUrl, client };
}

interface SentBatch {
  readonly Entries: readonly [{ readonly MessageBody: string; readonly DelaySeconds: number }];
}

const wakeUp = { shard: 1, minute: 29_000_000, atMs: 1_740_000_030_000 };
const context = { getRemainingTimeInMillis: () => 10_000 } as Context;

function eventOf(...bodies: string[]): SQSEvent {
  const records = bodies.map((body, index) => ({
    messageId: `m-${index}`,
    receiptHandle: `r-${index}`,
    body,
    attributes: { ApproximateReceiveCount: "1" },
  }));
  return { Records: records } as unknown as SQSEvent;
}

describe("a relay of SQS", () => {
  it("sends wake-ups, ten in a request, and holds those it received", async () => {
    const { service, queueUrl, client } = await queue();
    const relay = createSqsRelay({ client, queueUrl });
    expect(relay.leadMs).toBe(3_600_000);
    await relay.send(Array.from({ length: 11 }, (_, index) => ({ wakeUp, delaySeconds: index })));
    await relay.hold("r-1", 1_234);
    const entries = service.requests.map(({ body }) => (body as { Entries?: unknown[] }).Entries?.length);
    expect(entries).toEqual([10, 1, undefined]);
    expect(service.requests.slice(1)).toEqual([
      {
        target: "AmazonSQS.SendMessageBatch",
        body: {
          QueueUrl: queueUrl,
          Entries: [{ Id: "0", MessageBody: JSON.stringify(wakeUp), DelaySeconds: 10 }],
        },
      },
      {
        target: "AmazonSQS.ChangeMessageVisibility",
        body: { QueueUrl: queueUrl, ReceiptHandle: "r-1", VisibilityTimeout: 1_234 },
      },
    ]);
  });

  it("tells that messages were refused", async () => {
    const refused = { Id: "0", Code: "InternalError", Message: "sorry", SenderFault: false };
    const { queueUrl, client } = await queue(() => ({ body: { Successful: [], Failed: [refused] } }));
    await expect(
      createSqsRelay({ client, queueUrl }).send([{ wakeUp, delaySeconds: 0 }]),
    ).rejects.toMatchObject({ code: "relayRefused", count: 1, errorCode: "InternalError", retryable: true });
    expect(() => createSqsRelay({ client, queueUrl, leadMs: 21_600_001 })).toThrow(RangeError);
  });
});

describe("the handler of a relay", () => {
  it("fires what is due, holds what is not, and reports what comes again", async () => {
    const { service, queueUrl, client } = await queue();
    const relay = createSqsRelay({ client, queueUrl });
    const fired: Occurrence[] = [];
    const failures: object[] = [];
    const storage = createMemoryScheduleStorage();
    const options = {
      storage,
      targets: { call: call((occurrence) => void fired.push(occurrence)) },
      relay,
    };
    const { id, fireAt } = await createScheduler({ ...options, shards: 1 }).schedule({
      in: 0,
      target: "call",
    });
    // It is woken up for at once.
    const [sent] = service.requests as unknown as readonly [{ readonly body: SentBatch }];
    const [body] = sent.body.Entries;
    expect(body.DelaySeconds).toBe(0);
    const atMs = Math.ceil(fireAt.getTime() / 1_000) * 1_000;
    const minute = Math.floor(fireAt.getTime() / 60_000);
    expect(JSON.parse(body.MessageBody)).toEqual({ shard: 0, minute, atMs });
    const handler = createRelayHandler({
      ...options,
      logger: { warn: () => undefined, error: (object) => void failures.push(object) },
    });
    const far = JSON.stringify({ shard: 0, minute, atMs: Date.now() + 3_600_000 });
    const empty = JSON.stringify({ shard: 0, minute: 7, atMs: 420_000 });
    const answer = await handler(eventOf(body.MessageBody, far, "{}", empty), context);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "m-1" }, { itemIdentifier: "m-2" }] });
    expect(fired).toMatchObject([{ id, attempt: 1 }]);
    expect(failures).toMatchObject([{ messageId: "m-2", error: { message: "A message is no wake-up: {}" } }]);
    // For what is left of the hour, to the whole second.
    const hidden = service.requests.at(-1) as unknown as {
      readonly body: { readonly VisibilityTimeout: number };
    };
    expect(hidden).toMatchObject({
      target: "AmazonSQS.ChangeMessageVisibility",
      body: { ReceiptHandle: "r-1" },
    });
    expect(hidden.body.VisibilityTimeout).toBeGreaterThan(3_400);
    expect(hidden.body.VisibilityTimeout).toBeLessThanOrEqual(3_600);
  });

  it("refuses events of others", async () => {
    const { queueUrl, client } = await queue();
    const handler = createRelayHandler({
      storage: createMemoryScheduleStorage(),
      targets: {},
      relay: createSqsRelay({ client, queueUrl }),
    });
    await expect(handler({} as SQSEvent, context)).rejects.toThrow("none of SQS");
    expect(relayEventSourceMapping()).toEqual({
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 0,
    });
  });

  it("that can't be reached keeps nothing from being scheduled", async () => {
    const { queueUrl, client } = await queue(() => ({ status: 500, type: "InternalFailure" }));
    const events: unknown[] = [];
    const scheduler = createScheduler({
      storage: createMemoryScheduleStorage(),
      targets: { call: call(() => undefined) },
      relay: createSqsRelay({ client, queueUrl }),
      onEvent: (event) => void events.push(event),
      shards: 1,
    });
    const { id } = await scheduler.schedule({ in: "5m", target: "call" });
    expect(await scheduler.get(id)).toMatchObject({ state: "pending" });
    expect(events).toMatchObject([{ type: "relayFailed", shard: 0, error: { name: "InternalFailure" } }]);
  });
});
