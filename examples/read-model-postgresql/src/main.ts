import { setTimeout } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { createMemoryEventStore } from "@tuppence/core/memory";
import {
  createMemoryProjectionStorage,
  createProjections,
  createProjectionWorker,
} from "@tuppence/projections";
import { defineCustomerSales, topCustomers } from "./customer-sales.ts";
import { loadPosition } from "./positions.ts";
import { shopEvents } from "./shop-events.ts";

await using db = await PGlite.create(); // a PostgreSQL in this process, in memory
const store = createMemoryEventStore({ events: shopEvents });
const storage = createMemoryProjectionStorage(); // leases; positions are in PostgreSQL
const customerSales = defineCustomerSales(db);
const projections = createProjections({ store, storage });
await using worker = createProjectionWorker({
  store,
  storage,
  projections: [customerSales],
  pollIntervalMs: 20,
});
worker.start();

const orders = [
  { customer: "Ada", cents: 12_00 },
  { customer: "Grace", cents: 30_00 },
  { customer: "Ada", cents: 25_50 },
  { customer: "Edsger", cents: 8_00 },
];
for (const [index, data] of orders.entries()) {
  await store.append(`order|${index + 1}`, [
    { type: "OrderPlaced", data },
    { type: "OrderShipped", data: { parcel: `parcel-${index + 1}` } },
  ]);
}
const cancelled = await store.append("order|4", [
  { type: "OrderCancelled", data: { customer: "Edsger", cents: 8_00 } },
]);
await projections.waitFor(customerSales, cancelled);
await show("As events came");

await projections.rebuild(customerSales.name);
while ((await liveBuild()) === 1) await setTimeout(20);
await show("Built anew, in a table beside it");

async function liveBuild(): Promise<number> {
  const [summary] = await projections.list();
  return summary?.live.number ?? 1;
}

async function show(title: string): Promise<void> {
  const build = await liveBuild();
  console.log(
    `${title}: build ${build}, at position ${await loadPosition(db, { ...customerSales, build, slot: 0 })}`,
  );
  for (const { customer, orders: count, cents } of await topCustomers(db, build)) {
    console.log(`  ${customer.padEnd(8)}${count} orders ${(cents / 100).toFixed(2).padStart(8)}`);
  }
}
