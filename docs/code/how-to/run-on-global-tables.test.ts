import { ensureTables } from "@tuppence/core";
import { expect, it } from "vitest";
import { connect } from "@tuppence/test-support/database";
import { feedLog } from "./local-log.ts";
import { orderEvents } from "./order-events.ts";
import { orderSummaries } from "./order-summaries.ts";
const client = connect("howtoregions");
//#region open
import { createEventStore } from "@tuppence/core";
import { createProjections, createProjectionWorker } from "@tuppence/projections";
import { createQueue } from "@tuppence/queue";

/** Streams, their log and queues: `tuppence-events` and `tuppence-control`, which are global tables. */
const store = createEventStore({ client, events: orderEvents });

/** Read models: `here-control` and `here-documents`, which are this Region's own. */
const here = { client, store, tablePrefix: "here" };
const projections = createProjections(here);
const worker = createProjectionWorker({ ...here, projections: [orderSummaries] });
//#endregion open
//#region queue
const letters = createQueue({ client, name: "letters", homeRegion: "eu-west-1" });
//#endregion queue

it("keeps the read models of a Region in tables of its own", async () => {
  await ensureTables({ client });
  await projections.ensureTables();
  await using log = await feedLog("howtoregions", client);
  worker.start();
  const placed = { type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } } as const;
  const result = await store.append("order|1", [placed]);
  const summary = await projections.documents(orderSummaries).get("order|1", { after: result });
  expect(summary).toMatchObject({ status: "open" });
  expect(log.stats.failures).toBe(0);
  await worker.stop();
});

it("leaves queues alone where there is one Region", async () => {
  expect((await letters.enqueue({ body: "a letter" })).positions).toEqual([1]);
  await letters.close();
});
