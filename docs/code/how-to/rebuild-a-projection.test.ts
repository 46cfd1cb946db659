import { defineProjection } from "@tuppence/projections";
import { runProjections } from "@tuppence/projections/testing";
import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { orderEvents } from "./order-events.ts";

const options = {
  name: "customers",
  events: orderEvents,
  types: ["OrderPlaced"],
  key: ({ data }: { data: { customer: string } }) => data.customer,
} as const;
const before = defineProjection({
  ...options,
  version: 1,
  initialState: () => ({ orders: 0 }),
  evolve: ({ orders }) => ({ orders: orders + 1 }),
});
//#region version
const customers = defineProjection({
  name: "customers",
  version: 2, // was 1: the fold is another
  events: orderEvents,
  types: ["OrderPlaced"],
  key: ({ data }) => data.customer,
  initialState: () => ({ orders: 0, cents: 0 }),
  evolve: ({ orders, cents }, { data }) => ({ orders: orders + 1, cents: cents + data.cents }),
});
//#endregion version

it("is built beside the live one, and takes its place", async () => {
  const printed = capturePrinted();
  await using old = runProjections({ projections: [before], events: orderEvents });
  const { store, projections } = old;
  const data = { customer: "ada", cents: 12_50 };
  await store.append("order|1", [{ type: "OrderPlaced", data }]);
  await old.caughtUp();
  expect(await old.documents(before).get("ada")).toEqual({ orders: 1 });

  //#region rebuild
  await projections.rebuild("customers", { eventsPerSecond: 1_000 }); // at most so many in each slot
  //#endregion rebuild
  await expect.poll(async () => (await projections.list())[0]?.live.number, { interval: 20 }).toBe(2);
  //#region status
  for (const { name, live, next } of await projections.list()) {
    console.log(name, live, next ?? "nothing beside it");
  }
  //#endregion status
  //#region reset
  await projections.reset("customers"); // the documents are gone at once, and fill up again
  //#endregion reset
  await expectAllShown("how-to/rebuild-a-projection.md", printed, { status: 1 });
});

it("has the new version's documents once it is live", async () => {
  await using run = runProjections({ projections: [customers], events: orderEvents });
  await run.store.append("order|1", [{ type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } }]);
  await run.caughtUp();
  expect(await run.documents(customers).get("ada")).toEqual({ orders: 1, cents: 12_50 });
});
