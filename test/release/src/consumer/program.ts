import { deepStrictEqual } from "node:assert";
import { createCommandHandler, defineEvents, VersionConflictError } from "@tuppence/core";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import { defineProjection } from "@tuppence/projections";
import { runProjections } from "@tuppence/projections/testing";
import { createQueue } from "@tuppence/queue";
import { call, createMemoryScheduleStorage, createScheduler } from "@tuppence/scheduler";
import { z } from "zod";

// A program as users write it, with a bit of everything: every release of TypeScript has to check it, every release of Node to run it.
const events = defineEvents({
  Opened: z.object({ owner: z.string() }),
  Deposited: z.object({ cents: z.int() }),
});
const store = createMemoryEventStore({ events });
const deposit = createCommandHandler({
  store,
  decider: {
    initialState: () => 0,
    // A discriminated union, from the schemas: an event's data follow from its type.
    evolve: (cents: number, event) => (event.type === "Deposited" ? cents + event.data.cents : cents),
    decide: (cents: number) => ({ type: "Deposited" as const, data: { cents } }),
  },
});

await store.append("account|1", [{ type: "Opened", data: { owner: "Ada" } }], {
  expectedVersion: "noStream",
});
const { state, version } = await deposit("account|1", 12_50, { expectedVersion: 1 });
deepStrictEqual([state, version], [12_50, 2]);

const refused = await deposit("account|1", 1, { expectedVersion: 1 }).catch((error: unknown) => error);
if (!(refused instanceof VersionConflictError)) throw refused;
deepStrictEqual([refused.code, refused.actual, refused.retryable], ["versionConflict", 2, true]);

// @ts-expect-error: an event of this type has cents.
await store.append("account|1", [{ type: "Deposited", data: { owner: "Ada" } }]).catch(() => undefined);

const balances = defineProjection({
  name: "balances",
  version: 1,
  events,
  key: ({ streamId }) => streamId,
  initialState: () => ({ cents: 0 }),
  evolve: (balance, event) =>
    event.type === "Deposited" ? { cents: balance.cents + event.data.cents } : balance,
});
const run = runProjections({ projections: [balances], events });
await run.store.append("account|2", [{ type: "Deposited", data: { cents: 7 } }]);
await run.caughtUp();
deepStrictEqual(await run.documents(balances).get("account|2"), { cents: 7 });
await run.stop();

const queue = createQueue({
  name: "letters",
  schema: z.object({ to: z.string() }),
  storage: createMemoryStorage(),
  control: createMemoryControlStorage(),
});
const { positions } = await queue.enqueue([{ body: { to: "Ada" } }, { body: { to: "Grace" }, key: "g" }]);
deepStrictEqual(positions, [1, 2]);

const targets = {
  remind: call(async () => undefined, { payload: z.object({ to: z.string() }) }),
};
const scheduler = createScheduler({ storage: createMemoryScheduleStorage(), targets });
const { id } = await scheduler.schedule({ in: "15m", target: "remind", payload: { to: "Ada" } });
deepStrictEqual(await scheduler.cancel(id), "cancelled");

console.log("all as it should be");
