import { createHash } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SQSClient } from "@aws-sdk/client-sqs";
import { classifyFailure } from "@tuppence/core/failures";
import { afterEach, describe, expect, it } from "vitest";
import { eventBridge } from "../src/targets/event-bridge/index.ts";
import { sqs } from "../src/targets/sqs/index.ts";
import { type JsonReply, type JsonRequest, type JsonService, startJsonService } from "./json-service.ts";
import { anOccurrence, inTime, ITS_EVENT } from "./occurrences.ts";

const services: JsonService[] = [];

async function start(answer: (request: JsonRequest) => JsonReply | undefined): Promise<JsonService> {
  const service = await startJsonService(answer);
  services.push(service);
  return service;
}

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

/** How what it is rejected with is sorted, and its name. */
async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => new Error("It succeeded."),
    (reason: unknown) => reason,
  );
  return { ...classifyFailure(error), name: (error as Error).name };
}

describe("a bus of EventBridge as target", () => {
  it("gets an event", async () => {
    const service = await start(() => ({
      body: { FailedEntryCount: 0, Entries: [{ EventId: "e-1" }] },
    }));
    const client = new EventBridgeClient(service.clientConfig);
    const target = eventBridge({
      client,
      eventBusName: "permits",
      detailType: "ReminderDue",
      timeoutMs: 5_000,
    });
    expect(target).toMatchObject({ kind: "eventBridge", timeoutMs: 5_000 });
    expect(await target.fire(anOccurrence(), inTime())).toEqual({ eventId: "e-1" });
    expect(service.requests).toEqual([
      {
        target: "AWSEvents.PutEvents",
        body: {
          Entries: [
            {
              EventBusName: "permits",
              Source: "tuppence.scheduler",
              DetailType: "ReminderDue",
              Time: Date.parse("2026-03-01T12:00:00Z") / 1_000,
              Detail: JSON.stringify(ITS_EVENT),
            },
          ],
        },
      },
    ]);
  });

  it.each<[string, JsonReply, object]>([
    [
      "refuses the event for now",
      {
        body: { FailedEntryCount: 1, Entries: [{ ErrorCode: "ThrottlingException", ErrorMessage: "slow" }] },
      },
      { kind: "transient", name: "EventRefusedError" },
    ],
    [
      "refuses the event",
      { body: { FailedEntryCount: 1, Entries: [{ ErrorCode: "MalformedDetail", ErrorMessage: "no" }] } },
      { kind: "permanent", name: "EventRefusedError" },
    ],
    [
      "has a fault",
      { status: 500, type: "InternalException", body: { message: "sorry" } },
      { kind: "transient", name: "InternalException" },
    ],
    [
      "is not there",
      { status: 400, type: "ResourceNotFoundException", body: { message: "no bus" } },
      { kind: "permanent", name: "ResourceNotFoundException" },
    ],
  ])("that %s", async (_, reply, failure) => {
    const service = await start(() => reply);
    const target = eventBridge({ client: new EventBridgeClient(service.clientConfig), detailType: "Due" });
    expect(await failureOf(target.fire(anOccurrence(), inTime()))).toEqual(failure);
    expect(service.requests.length).toBe(1);
  });
});

describe("a queue of SQS as target", () => {
  const sent = (body: string): JsonReply => ({
    body: { MessageId: "m-1", MD5OfMessageBody: createHash("md5").update(body).digest("hex") },
  });
  const accepts = (): Promise<JsonService> =>
    start(({ body }) => sent((body as { MessageBody: string }).MessageBody));

  it("gets a message", async () => {
    const service = await accepts();
    const queueUrl = `${service.clientConfig.endpoint}/000000000000/reminders`;
    const target = sqs({ client: new SQSClient(service.clientConfig), queueUrl });
    expect(await target.fire(anOccurrence(), inTime())).toEqual({ messageId: "m-1" });
    expect(service.requests).toEqual([
      {
        target: "AmazonSQS.SendMessage",
        body: { QueueUrl: queueUrl, MessageBody: JSON.stringify(ITS_EVENT) },
      },
    ]);
  });

  it("of the kind FIFO knows it by its id", async () => {
    const service = await accepts();
    const queueUrl = `${service.clientConfig.endpoint}/000000000000/reminders.fifo`;
    const client = new SQSClient(service.clientConfig);
    await sqs({ client, queueUrl, messageGroupId: ({ group = "" }) => group }).fire(anOccurrence(), inTime());
    await sqs({ client, queueUrl, messageGroupId: "all" }).fire(anOccurrence({ attempt: 3 }), inTime());
    expect(service.requests.map(({ body }) => body)).toEqual([
      expect.objectContaining({
        MessageGroupId: "mail",
        MessageDeduplicationId: createHash("sha256").update(ITS_EVENT.occurrenceId).digest("hex"),
      }),
      expect.objectContaining({
        MessageGroupId: "all",
        MessageDeduplicationId: createHash("sha256").update(ITS_EVENT.occurrenceId).digest("hex"),
      }),
    ]);
  });

  it.each<[string, JsonReply, object]>([
    [
      "throttles",
      { status: 400, type: "com.amazonaws.sqs#RequestThrottled", body: { message: "slow" } },
      { kind: "transient", name: "RequestThrottled" },
    ],
    [
      "is not there",
      { status: 400, type: "com.amazonaws.sqs#QueueDoesNotExist", body: { message: "no" } },
      { kind: "permanent", name: "QueueDoesNotExist" },
    ],
  ])("that %s", async (_, reply, failure) => {
    const service = await start(() => reply);
    const queueUrl = `${service.clientConfig.endpoint}/000000000000/reminders`;
    const target = sqs({ client: new SQSClient(service.clientConfig), queueUrl });
    expect(await failureOf(target.fire(anOccurrence(), inTime()))).toEqual(failure);
  });

  it("that does not answer is given up with the signal", async () => {
    const giveUp = new AbortController();
    const service = await start(() => {
      giveUp.abort(new Error("too late"));
      return undefined;
    });
    const target = sqs({
      client: new SQSClient(service.clientConfig),
      queueUrl: `${service.clientConfig.endpoint}/0/q`,
    });
    await expect(target.fire(anOccurrence(), { signal: giveUp.signal })).rejects.toThrow(Error);
  });
});
