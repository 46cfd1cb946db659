import { createEventStore, ensureTables } from "@tuppence/core";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
import { feedLog } from "./local-log.ts";
//#region run-imports
import { createProjections, createProjectionWorker } from "@tuppence/projections";
//#endregion run-imports
//#region test
import { runProjections, testProjection } from "@tuppence/projections/testing";
import { expect, it } from "vitest";
import { orderEvents } from "./order-events.ts";
import { orderSummaries } from "./order-summaries.ts";

const placed = { type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } } as const;
const paid = { type: "OrderPaid", data: { cents: 12_50 } } as const;

it("shows that an order is paid", async () => {
  const given = testProjection(orderSummaries);
  await given([
    { streamId: "order|1", ...placed },
    { streamId: "order|1", ...paid },
  ]).thenDocuments({ "order|1": { customer: "ada", cents: 12_50, status: "paid" } });
});

it("keeps up with a store", async () => {
  await using run = runProjections({ projections: [orderSummaries], events: orderEvents });
  await run.store.append("order|1", [placed]);
  await run.caughtUp(); // rejects if anything was parked or skipped
  expect(await run.documents(orderSummaries).get("order|1")).toMatchObject({ status: "open" });
});
//#endregion test

//#region reactor
import { defineProjection } from "@tuppence/projections";

const letters = defineProjection({
  name: "letters",
  version: 1,
  events: orderEvents,
  types: ["OrderShipped"],
  startFrom: "end", // no letters for what was shipped before there were letters
  react: ({ streamId, data }, { idempotencyKey }) =>
    sendLetter({ to: streamId, parcel: data.parcel, requestId: idempotencyKey }),
});
//#endregion reactor
//#region handler
const countOrders = defineProjection({
  name: "order-count",
  version: 1,
  events: orderEvents,
  types: ["OrderPlaced"],
  mode: "transaction",
  handle: (events, { build }) => [
    {
      Update: {
        TableName: "counters",
        Key: { name: { S: `orders@${build}` } }, // a rebuild counts in an item of its own
        UpdateExpression: "ADD placed :count",
        ExpressionAttributeValues: { ":count": { N: String(events.length) } },
      },
    },
  ],
});
//#endregion handler

const letterBox: { readonly to: string; readonly parcel: string; readonly requestId: string }[] = [];
async function sendLetter(letter: (typeof letterBox)[number]): Promise<void> {
  letterBox.push(letter);
}

it("makes read models and side effects", async () => {
  const printed = capturePrinted();
  const client = connect("howtoprojection");
  const store = createEventStore({ client, events: orderEvents });
  await ensureTables({ client });
  await using log = await feedLog("howtoprojection", client);
  expect(log.stats).toBeDefined();

  //#region run
  const projections = createProjections({ client, store });
  await projections.ensureTables();
  await using worker = createProjectionWorker({ client, store, projections: [orderSummaries] });
  worker.start();
  //#endregion run

  //#region read
  const summaries = projections.documents(orderSummaries);
  await store.append("order|1", [placed]);
  const result = await store.append("order|1", [paid]);
  console.log(await summaries.get("order|1", { after: result })); // waits until the payment is in it
  console.log(await summaries.get("order|2"));
  for await (const { key, document } of summaries.list({ prefix: "order|" }))
    console.log(key, document.status);
  //#endregion read
  await expectAllShown("how-to/write-a-projection.md", printed, { read: 3 });
});

it("reacts once for each event, as long as nothing crashes", async () => {
  await using run = runProjections({ projections: [letters], events: orderEvents });
  await run.caughtUp();
  await run.store.append("order|1", [{ type: "OrderShipped", data: { parcel: "parcel-7" } }]);
  await run.caughtUp();
  expect(letterBox).toMatchObject([{ to: "order|1", parcel: "parcel-7" }]);
});

it("counts in a table of its own", async () => {
  await testProjection(countOrders)([
    { streamId: "order|1", ...placed },
    { streamId: "order|2", ...placed },
  ]).thenWrites([
    {
      Update: {
        TableName: "counters",
        Key: { name: { S: "orders@1" } },
        UpdateExpression: "ADD placed :count",
        ExpressionAttributeValues: { ":count": { N: "2" } },
      },
    },
  ]);
});
