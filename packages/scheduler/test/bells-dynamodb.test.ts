import { LambdaClient } from "@aws-sdk/client-lambda";
import { ensureTable, SYSTEM_RUNTIME } from "@tuppence/core";
import { inProcessFunction, startLambdaApi } from "@tuppence/local/lambda";
import type { Context, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import pMap from "p-map";
import { expect, it, onTestFinished } from "vitest";
import { bellEventSourceMapping, createBellHandler } from "../src/lambda/index.ts";
import { createScheduler } from "../src/scheduler.ts";
import { schedulesTable } from "../src/storage/schedules-table.ts";
import { lambda } from "../src/targets/lambda/index.ts";
import type { OccurrenceEvent } from "../src/targets/occurrence-event.ts";
import { connect as connectMapping } from "./local-mapping.ts";
import { all } from "./stopped-clock.ts";
import { configOf, connect } from "./test-database.ts";

const DATABASE = "schedulebells";
const SCHEDULES = 1_000;
/** With a doorbell each: DynamoDB Local looks at 20 items of a table a second, and one that it finds wakes for all that is due. */
const MINUTES = 30;
const MINUTE = 60_000;

it(`${SCHEDULES} schedules are fired by doorbells that DynamoDB removes, through Lambda's Invoke API, and nothing runs until then`, {
  timeout: 120_000,
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
  // Scheduled three hours ago, for some time after that; TTL was not enabled until now.
  const runtime = { ...SYSTEM_RUNTIME, now: () => Date.now() - 180 * MINUTE };
  const scheduler = createScheduler({ client, targets, runtime, shards: 1 });
  await ensureTable(client, schedulesTable());
  const last = await scheduler.schedule({ in: "5h", target: "remind", payload: -1 });
  const made = await pMap(
    Array.from({ length: SCHEDULES }, (_, payload) => payload),
    (payload) => scheduler.schedule({ in: MINUTE * (15 + (payload % MINUTES)), target: "remind", payload }),
    { concurrency: 32 },
  );
  const handler = createBellHandler({ client, targets });
  const rung: DynamoDBRecord[] = [];
  const bells = inProcessFunction({
    name: "bells",
    timeoutMs: 60_000,
    handler: async (event: unknown, context) => {
      const { Records } = event as DynamoDBStreamEvent;
      rung.push(...Records);
      return handler({ Records }, context as unknown as Context);
    },
  });
  const mapping = await connectMapping({
    config: configOf(DATABASE),
    tableName: "tuppence-schedules",
    function: bells,
    settings: bellEventSourceMapping(),
  });
  onTestFinished(() => mapping.stop());
  expect(events).toEqual([]);
  await scheduler.ensureTables();
  await expect.poll(() => events.length, { timeout: 60_000, interval: 100 }).toBe(SCHEDULES);
  await mapping.whenCaughtUp();
  await api.whenIdle();
  expect(events.map(({ payload }) => payload).toSorted((one, other) => one - other)).toEqual(
    made.map((_, index) => index),
  );
  expect(new Set(events.map(({ occurrenceId }) => occurrenceId))).toEqual(new Set(made.map(({ id }) => id)));
  expect(events.every(({ fireAt }) => Date.parse(fireAt) <= Date.now())).toBe(true);
  expect((await all(scheduler.list())).map(({ id }) => id)).toEqual([last.id]);
  // Doorbells that the service removed, and no other record, woke the function.
  expect(rung.length).toBeGreaterThan(0);
  for (const { userIdentity, dynamodb } of rung) {
    expect(userIdentity).toMatchObject({ type: "Service", principalId: "dynamodb.amazonaws.com" });
    expect(dynamodb?.Keys?.["s"]).toEqual({ S: "bell" });
  }
});
