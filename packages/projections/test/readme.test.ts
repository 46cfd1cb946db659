import { createEventStore, defineEvents } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { feedLog } from "./log-feed.ts";
import { connect } from "@tuppence/test-support/database";
//#region read-model-imports
import { createProjections, createProjectionWorker, defineProjection } from "@tuppence/projections";
//#endregion read-model-imports
//#region lambda-imports
import { createProjectionHandler } from "@tuppence/projections/lambda";
//#endregion lambda-imports
//#region testing-imports
import { runProjections, testProjection } from "@tuppence/projections/testing";
//#endregion testing-imports

const money = z.object({ account: z.string(), cents: z.number() });
const events = defineEvents({ Deposited: money, Withdrawn: money });
const client = connect("projectionsreadme");
const store = createEventStore({ client, events });

//#region read-model-definition
const balances = defineProjection({
  name: "balances",
  version: 1, // raise it when the fold changes: it is built anew beside the live one, then takes its place
  events,
  types: ["Deposited", "Withdrawn"],
  key: ({ data }) => data.account, // or several keys, or none
  initialState: () => ({ cents: 0 }),
  evolve: ({ cents }, { type, data }) => ({
    cents: type === "Deposited" ? cents + data.cents : cents - data.cents,
  }),
});
//#endregion read-model-definition

//#region lambda
export const handler = createProjectionHandler({ client, store, projections: [balances] });
//#endregion lambda

it("its read model works", async () => {
  await store.ensureTables();
  const log = await feedLog(
    (await startDynamoDBLocal({ log: false })).clientConfig("projectionsreadme"),
    "tuppence",
  );
  onTestFinished(() => log.stop());
  const shown = vi.spyOn(console, "log").mockReturnValue();
  onTestFinished(() => shown.mockRestore());
  const listeners = process.listeners("SIGTERM");
  //#region read-model-run
  const projections = createProjections({ client, store });
  await projections.ensureTables();
  const worker = createProjectionWorker({ client, store, projections: [balances] });
  worker.start(); // in one process or many: they share the work
  process.once("SIGTERM", () => void worker.stop());

  await worker.reached(); // all that is in the log is in the documents
  const documents = projections.documents(balances);
  const deposited = { type: "Deposited", data: { account: "ada", cents: 500 } } as const;
  const result = await store.append("account|ada", [deposited]);
  await documents.get("ada", { after: result }); // { cents: 500 }: reads your own write
  await documents.get("ada"); // what is there, perhaps of a moment ago
  for await (const { key, document } of documents.list({ prefix: "a" })) console.log(key, document.cents);
  //#endregion read-model-run
  expect(await documents.get("ada", { after: result })).toEqual({ cents: 500 });
  expect(shown.mock.calls).toEqual([["ada", 500]]);
  for (const listener of process.listeners("SIGTERM")) {
    if (!listeners.includes(listener)) process.removeListener("SIGTERM", listener);
  }
  await worker.stop();
});

it("its tests work", async () => {
  const deposited = { type: "Deposited", data: { account: "ada", cents: 500 } } as const;
  //#region testing
  const given = testProjection(balances);
  await given([{ streamId: "account|ada", ...deposited }]).thenDocuments({ ada: { cents: 500 } }); // no database

  await using run = runProjections({ projections: [balances], events }); // a worker in memory
  await run.store.append("account|ada", [deposited]);
  await run.caughtUp();
  await run.documents(balances).get("ada"); // { cents: 500 }
  //#endregion testing
  expect(await run.documents(balances).get("ada")).toEqual({ cents: 500 });
});
