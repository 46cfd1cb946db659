import { LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import { createEventStore } from "@tuppence/core";
import { inProcessFunction } from "@tuppence/local/lambda";
import { createQueue } from "@tuppence/queue";
//#region scheduler-imports
import { createScheduler, createSchedulerWorker } from "@tuppence/scheduler";
import { bellEventSourceMapping, createBellHandler } from "@tuppence/scheduler/lambda";
//#endregion scheduler-imports
//#region targets-imports
import { append, call, enqueue, type Occurrence } from "@tuppence/scheduler";
import { lambda } from "@tuppence/scheduler/lambda-target";
//#endregion targets-imports
import type { OccurrenceEvent } from "@tuppence/scheduler";
//#region receiver-imports
import { dropDuplicates } from "@tuppence/scheduler/lambda";
//#endregion receiver-imports
//#region relay-imports
import { createRelayHandler, createSqsRelay } from "@tuppence/scheduler/sqs-relay";
//#endregion relay-imports
import { expect, it } from "vitest";
import { connect } from "@tuppence/test-support/database";

const client = connect("docsscheduler");
const lambdaClient = new LambdaClient({ region: "eu-west-1" });
const sqsClient = new SQSClient({ region: "eu-west-1" });
const queueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/relay";
const store = createEventStore({ client });
const queue = createQueue({ client, name: "work" });
const expired = { type: "PermitExpired", data: {} };
const called: unknown[] = [];

//#region targets
const targets = {
  remind: lambda({ client: lambdaClient, functionName: "remind", invocation: "event" }),
  expire: append({
    store,
    streamId: ({ payload }: Occurrence<{ id: string }>) => `permit|${payload.id}`,
    events: () => [expired],
  }),
  work: enqueue(queue),
  local: call(({ id, payload }) => void called.push([id, payload])),
};
//#endregion targets

it("fires what is due, and not what was cancelled", async () => {
  await store.ensureTables();
  //#region schedule
  const scheduler = createScheduler({ client, targets });
  await scheduler.ensureTables();
  const payload = { id: "P-17" };
  await scheduler.schedule({ in: "30d", name: "deadline|P-17", target: "expire", payload });
  await scheduler.cancel("deadline|P-17"); // "cancelled", for good; or "alreadyFired", "firing", "unknown"
  //#endregion schedule
  expect(await scheduler.cancel("deadline|P-17")).toBe("cancelled");
  //#region worker
  const worker = createSchedulerWorker({ client, targets, scheduler });
  worker.start(); // to the second
  //#endregion worker
  const { id } = await scheduler.schedule({ in: 0, target: "local", payload });
  await scheduler.schedule({ in: 0, target: "expire", payload });
  await scheduler.schedule({ in: 0, target: "work", payload });
  await expect.poll(async () => (await queue.tail()).position).toBe(1);
  await expect.poll(() => store.streamExists("permit|P-17")).toBe(true);
  await expect.poll(() => called).toEqual([[id, payload]]);
  await worker.stop();
});

//#region bells
export const onBell = createBellHandler({ client, targets }); // or, without a worker, whenever a doorbell rings
export const mapping = bellEventSourceMapping(); // for its event source mapping
//#endregion bells

interface Reminder {
  readonly to: string;
}
const reminded: string[] = [];
const remind = async ({ to }: Reminder): Promise<void> => void reminded.push(to);

//#region receiver
export const onReminder = dropDuplicates(async ({ payload }: OccurrenceEvent<Reminder>) => remind(payload), {
  client,
});
//#endregion receiver

it("a function does an occurrence once", async () => {
  const fn = inProcessFunction({ name: "remind", handler: onReminder });
  const event = { occurrenceId: "o-1", payload: { to: "ada@example.org" } };
  for (let delivery = 1; delivery <= 2; delivery++) {
    expect((await fn.invoke(event)).functionError).toBeUndefined();
  }
  expect(reminded).toEqual(["ada@example.org"]);
});

//#region relay
const relay = createSqsRelay({ client: sqsClient, queueUrl }); // to createScheduler and createBellHandler too
export const onWakeUp = createRelayHandler({ client, targets, relay });
//#endregion relay

it("bells and wake-ups have functions", async () => {
  expect(mapping.FilterCriteria?.Filters).toHaveLength(1);
  const bells = inProcessFunction({ name: "bells", handler: onBell });
  expect((await bells.invoke({ Records: [] })).functionError).toBeUndefined();
  const wakeUps = inProcessFunction({ name: "wake-ups", handler: onWakeUp });
  expect((await wakeUps.invoke({ Records: [] })).functionError).toBeUndefined();
});
