import { createEventStore } from "@tuppence/core";
import { z } from "zod";
import { connect } from "@tuppence/test-support/database";

/** The first example of the README, as it stands there. */

const client = connect("schedulereadme");
const store = createEventStore({ client });
const sendMail = (_mail: unknown): void => undefined;

//#region fires
import { append, call, createScheduler, createSchedulerWorker } from "@tuppence/scheduler";

const targets = {
  remind: call(({ payload }) => sendMail(payload), { payload: z.object({ to: z.email() }) }),
  expire: append({
    store,
    streamId: ({ payload }) => `permit|${String(payload)}`,
    events: () => [{ type: "Expired", data: {} }],
  }),
};
const scheduler = createScheduler({ client, targets });
await scheduler.ensureTables();

await scheduler.schedule({ in: "15m", target: "remind", payload: { to: "ada@example.org" } });
const report = { target: "remind", payload: { to: "office@example.org" } } as const;
await scheduler.schedule({
  name: "report",
  cron: "0 9 * * MON-FRI",
  timeZone: "Europe/Amsterdam",
  ...report,
});
await scheduler.schedule({
  name: "deadline|P-17",
  at: "2099-03-01T00:00:00Z",
  target: "expire",
  payload: "P-17",
});
await scheduler.cancel("deadline|P-17"); // "cancelled": it never fires

const worker = createSchedulerWorker({ client, targets, scheduler });
worker.start(); // in one process or many
process.once("SIGTERM", () => void worker.stop());
//#endregion

export { scheduler, worker };
