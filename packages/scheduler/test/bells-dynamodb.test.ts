import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SYSTEM_RUNTIME } from "@tuppence/core";
import {
  inProcessFunction,
  mappingOptions,
  startEventSourceMapping,
  startLambdaApi,
} from "@tuppence/local/lambda";
import type { DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import pMap from "p-map";
import { expect, it, onTestFinished } from "vitest";
import { bellEventSourceMapping, createBellHandler } from "../src/lambda/index.ts";
import type { Schedule } from "../src/schedule.ts";
import { createScheduler } from "../src/scheduler.ts";
import { lambda } from "../src/targets/lambda/index.ts";
import type { OccurrenceEvent } from "../src/targets/occurrence-event.ts";
import { all } from "./stopped-clock.ts";
import { configOf, connect } from "@tuppence/test-support/database";

const DATABASE = "schedulebells";
const SCHEDULES = 1_000;
/** With a doorbell each. */
const MINUTES = 4;
const MINUTE = 60_000;

it(`${SCHEDULES} schedules are fired by doorbells that DynamoDB removes, through Lambda's Invoke API, and nothing runs until then`, {
  timeout: 400_000,
}, async () => {
  const client = connect(DATABASE);
  const events: OccurrenceEvent<number>[] = [];
  const remind = inProcessFunction({
    name: "remind",
    handler: async (event: unknown) => void events.push(event as OccurrenceEvent<number>),
  });
  const api = await startLambdaApi({ functions: [remind] });
  onTestFinished(() => api.stop());
  const targets = {
    remind: lambda({
      client: new LambdaClient(api.clientConfig()),
      functionName: "remind",
      invocation: "event",
    }),
  };
  // By a clock that is an hour slow: all of it is due.
  const runtime = { ...SYSTEM_RUNTIME, now: () => Date.now() - 60 * MINUTE };
  const scheduler = createScheduler({ client, targets, runtime, shards: 1 });
  await scheduler.ensureTables();
  const schedule = (payload: number): Promise<Schedule> =>
    scheduler.schedule({ in: MINUTE * (15 + (payload % MINUTES)), target: "remind", payload });
  const made: Schedule[] = [];
  for (let payload = 0; payload < MINUTES; payload++) made.push(await schedule(payload));
  // DynamoDB Local looks for what has expired in 20 items every ten seconds: the doorbells ring before there are many more. They are heard later.
  await expect.poll(() => countBells(client), { timeout: 120_000, interval: 200 }).toBe(0);
  const rest = Array.from({ length: SCHEDULES - MINUTES }, (_, index) => MINUTES + index);
  made.push(...(await pMap(rest, schedule, { concurrency: 32 })));
  const last = await scheduler.schedule({ in: "2h", target: "remind", payload: -1 });
  expect(events).toEqual([]);
  const handler = createBellHandler({ client, targets });
  const rung: DynamoDBRecord[] = [];
  const bells = inProcessFunction({
    name: "bells",
    timeoutMs: 60_000,
    handler: async (event: unknown, context) => {
      const { Records } = event as DynamoDBStreamEvent;
      rung.push(...Records);
      return handler({ Records }, context);
    },
  });
  const mapping = await startEventSourceMapping({
    config: configOf(DATABASE),
    tableName: "tuppence-schedules",
    function: bells,
    ...mappingOptions(bellEventSourceMapping()),
  });
  onTestFinished(() => mapping.stop());
  await expect.poll(() => events.length, { timeout: 240_000, interval: 100 }).toBe(SCHEDULES);
  await mapping.whenCaughtUp();
  await api.whenIdle();
  expect(events.map(({ payload }) => payload).toSorted((one, other) => one - other)).toEqual(
    made.map((_, index) => index),
  );
  expect(new Set(events.map(({ occurrenceId }) => occurrenceId))).toEqual(new Set(made.map(({ id }) => id)));
  expect(events.every(({ fireAt }) => Date.parse(fireAt) <= Date.now())).toBe(true);
  expect((await all(scheduler.list())).map(({ id }) => id)).toEqual([last.id]);
  // Doorbells that the service removed, and no other record, woke the function.
  expect(rung).toHaveLength(MINUTES);
  for (const { userIdentity, dynamodb } of rung) {
    expect(userIdentity).toMatchObject({ type: "Service", principalId: "dynamodb.amazonaws.com" });
    expect(dynamodb?.Keys?.["s"]).toEqual({ S: "bell" });
  }
});

async function countBells(client: DynamoDBClient): Promise<number> {
  const command = new ScanCommand({ TableName: "tuppence-schedules", ConsistentRead: true });
  const { Items = [] } = await client.send(command);
  return Items.filter(({ s }) => s?.S === "bell").length;
}
