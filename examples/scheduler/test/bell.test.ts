import { createEventStore, SYSTEM_RUNTIME } from "@tuppence/core";
import { inProcessFunction, startEventSourceMapping } from "@tuppence/local/lambda";
import { createScheduler } from "@tuppence/scheduler";
import { configOf, connect, environmentOf } from "@tuppence/test-support/database";
import { expect, it, onTestFinished, vi } from "vitest";
import { forget, inboxEvents, remind, reminderTargets } from "../src/reminders.ts";

const DATABASE = "exampleSchedulerBell";
const HOUR_MS = 3_600_000;

it("a doorbell that DynamoDB removes wakes the function, which fires what is due and was not cancelled", async () => {
  const config = configOf(DATABASE);
  // The function is made by its module, from its environment, as in Lambda.
  for (const [name, value] of Object.entries(environmentOf(config))) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { handler, mapping } = await import("../src/bell.ts");

  const client = connect(DATABASE);
  const store = createEventStore({ client, events: inboxEvents });
  // By a clock that is an hour slow, so that DynamoDB Local, which looks for what has expired every ten seconds, finds it at once.
  const runtime = { ...SYSTEM_RUNTIME, now: () => Date.now() - HOUR_MS };
  const reminders = createScheduler({ client, targets: reminderTargets(store), runtime, shards: 1 });
  await Promise.all([store.ensureTables(), reminders.ensureTables()]);
  await remind(reminders, { person: "ada", text: "tea", in: "15m" });
  await remind(reminders, { person: "ada", text: "meeting", in: "15m" });
  expect(await forget(reminders, { person: "ada", text: "meeting" })).toBe("cancelled");

  const bell = await startEventSourceMapping({
    config,
    tableName: "tuppence-schedules",
    function: inProcessFunction({
      name: "bell",
      handler: (event, context) => handler(event, context),
    }),
    startingPosition: mapping.StartingPosition,
    filterPatterns: mapping.FilterCriteria?.Filters.map(({ Pattern }) => Pattern),
    reportBatchItemFailures: true,
  });
  onTestFinished(() => bell.stop());
  const inbox = async () => {
    const texts: string[] = [];
    for await (const { data } of store.read("inbox|ada")) texts.push(data.text);
    return texts;
  };
  await expect.poll(inbox, { timeout: 120_000, interval: 100 }).toEqual(["tea"]);
  await bell.whenCaughtUp();
  expect(await inbox()).toEqual(["tea"]);
  client.destroy();
});
