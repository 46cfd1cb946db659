import { LambdaClient } from "@aws-sdk/client-lambda";
import { SYSTEM_RUNTIME } from "@tuppence/core";
import { inProcessFunction, startLambdaApi } from "@tuppence/local/lambda";
import pMap from "p-map";
import { expect, it, onTestFinished } from "vitest";
import { bellEventSourceMapping, createBellHandler } from "../src/lambda/index.ts";
import { createScheduler } from "../src/scheduler.ts";
import { lambda } from "../src/targets/lambda/index.ts";
import type { OccurrenceEvent } from "../src/targets/occurrence-event.ts";
import { connect as connectMapping } from "./local-mapping.ts";
import { all } from "./stopped-clock.ts";
import { configOf, connect } from "./test-database.ts";

const DATABASE = "schedulebells";
const SCHEDULES = 1_000;
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
  // Scheduled an hour ago, for half an hour ago: their doorbells are due.
  const runtime = { ...SYSTEM_RUNTIME, now: () => Date.now() - 60 * MINUTE };
  const scheduler = createScheduler({ client, targets, runtime });
  await scheduler.ensureTables();
  const handler = createBellHandler({ client, targets });
  const mapping = await connectMapping({
    config: configOf(DATABASE),
    tableName: "tuppence-schedules",
    function: inProcessFunction({ name: "bells", handler, timeoutMs: 60_000 }),
    settings: bellEventSourceMapping(),
  });
  onTestFinished(() => mapping.stop());
  const last = await scheduler.schedule({ in: "2h", target: "remind", payload: -1 });
  const made = await pMap(
    Array.from({ length: SCHEDULES }, (_, payload) => payload),
    (payload) => scheduler.schedule({ in: 30 * MINUTE + (payload % 120) * 1_000, target: "remind", payload }),
    { concurrency: 32 },
  );
  await expect.poll(() => events.length, { timeout: 60_000, interval: 100 }).toBe(SCHEDULES);
  await mapping.whenCaughtUp();
  await api.whenIdle();
  expect(events.map(({ payload }) => payload).toSorted((one, other) => one - other)).toEqual(
    made.map((_, index) => index),
  );
  expect(new Set(events.map(({ occurrenceId }) => occurrenceId))).toEqual(new Set(made.map(({ id }) => id)));
  expect(events.every(({ fireAt }) => Date.parse(fireAt) <= Date.now())).toBe(true);
  expect((await all(scheduler.list())).map(({ id }) => id)).toEqual([last.id]);
  // A doorbell for each minute and shard, and no other record, woke the function.
  expect(mapping.stats.invocations).toBeGreaterThan(0);
  expect(mapping.stats.invocations).toBeLessThanOrEqual(4 * 5);
});
