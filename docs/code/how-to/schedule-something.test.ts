import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
const client = connect("howtoscheduler");
const sent: string[] = [];
async function sendMail(to: string, id: string): Promise<void> {
  if (!sent.includes(`${to} ${id}`)) sent.push(`${to} ${id}`);
}
//#region targets
import { createEventStore } from "@tuppence/core";
import { append, call, createScheduler, createSchedulerWorker } from "@tuppence/scheduler";
import { z } from "zod";
import { orderEvents } from "./order-events.ts";

const store = createEventStore({ client, events: orderEvents });
const targets = {
  remind: call(({ id, payload }) => sendMail(payload.to, id), {
    payload: z.object({ to: z.string() }),
  }),
  expire: append({
    store,
    streamId: ({ payload }) => `order|${payload}`,
    events: () => [{ type: "OrderCancelled", data: { reason: "not paid in time" } }],
    payload: z.string(),
  }),
};
const scheduler = createScheduler({ client, targets });
//#endregion targets

it("schedules, cancels, moves and fires", async () => {
  const printed = capturePrinted();
  await Promise.all([store.ensureTables(), scheduler.ensureTables()]);
  const placed = { type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } } as const;
  await store.append("order|1", [placed]);

  //#region worker
  const worker = createSchedulerWorker({ client, targets, scheduler });
  worker.start(); // in one process or many
  //#endregion worker

  //#region once
  await scheduler.schedule({ in: "1s", target: "expire", payload: "1" });
  await scheduler.schedule({
    at: "2027-03-01T09:00",
    timeZone: "Europe/Amsterdam",
    target: "remind",
    payload: { to: "ada" },
  });
  //#endregion once

  //#region named
  const deadline = { name: "deadline|order-2", target: "expire", payload: "2" } as const;
  await scheduler.schedule({ ...deadline, at: "2027-03-01T00:00:00Z" });
  await scheduler.schedule({ ...deadline, at: "2027-03-01T00:00:00Z" }); // the same words: it is there already
  await scheduler.reschedule("deadline|order-2", { at: "2027-04-01T00:00:00Z" });
  console.log((await scheduler.get("deadline|order-2"))?.dueAt.toISOString());
  console.log(await scheduler.cancel("deadline|order-2"));
  //#endregion named

  //#region series
  await scheduler.schedule({
    name: "weekly report",
    cron: "0 9 * * MON",
    timeZone: "Europe/Amsterdam",
    target: "remind",
    payload: { to: "everybody" },
    misfire: "fireOnce", // after an outage: the first that was missed stands for all
    overlap: "skip", // while a run lasts, the next one is left out
  });
  //#endregion series

  //#region look
  for await (const { name, target, state } of scheduler.list({ namePrefix: "weekly" }))
    console.log(name, target, state);
  //#endregion look

  await expect.poll(() => lastOf("order|1"), { interval: 50 }).toBe("OrderCancelled");
  await worker.stop();
  expect(sent).toEqual([]);
  await expectAllShown("how-to/schedule-something.md", printed, { named: 2, look: 1 });
});

async function lastOf(streamId: string): Promise<string | undefined> {
  for await (const { type } of store.read(streamId, { direction: "backward", limit: 1 })) return type;
  return undefined;
}
