import { capturePrinted, expectAllShown } from "../shown.ts";
//#region local
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { expect, it } from "vitest";
import { order } from "./order.ts";
import { orderEvents } from "./order-events.ts";

const local = await startDynamoDBLocal(); // one server, for as many databases as there are names
const client = new DynamoDBClient(local.clientConfig("howtolocal"));
const store = createEventStore({ client, events: orderEvents });
await store.ensureTables();
//#endregion local
//#region memory
import { createMemoryEventStore } from "@tuppence/core/memory";

const inMemory = createMemoryEventStore({ events: orderEvents });
//#endregion memory
//#region meter
import { createCommandHandler, eventsTable, meterCapacity } from "@tuppence/core";

it("a command on a known stream costs 2 requests, 1 read unit and 1 write unit", async () => {
  const handle = createCommandHandler({ store, decider: order });
  await handle("order|1", { kind: "place", customer: "ada", cents: 12_50 });

  const meter = meterCapacity(client, { tables: [eventsTable()] });
  await handle("order|1", { kind: "pay", cents: 12_50 });
  expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
  for (const { operation, readUnits, writeUnits } of meter.calls)
    console.log(operation, readUnits, writeUnits);
  meter.detach();
});
//#endregion meter

//#region crash
it("a reply that is lost does no harm", async () => {
  let losses = 1;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const reply = await next(args);
      if (context["commandName"] !== "PutItemCommand" || losses-- <= 0) return reply;
      throw Object.assign(new Error("The reply is lost."), { name: "TimeoutError" });
    },
    { step: "finalizeRequest", priority: "high", name: "lost-reply" },
  );
  await store.append("order|2", [{ type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } }]);
  client.middlewareStack.remove("lost-reply");
  const { version } = await store.load("order|2", order);
  expect(version).toBe(1); // not 2
});
//#endregion crash

it("shows the meter's calls", async () => {
  const printed = capturePrinted();
  const handle = createCommandHandler({ store, decider: order });
  await handle("order|3", { kind: "place", customer: "ada", cents: 12_50 });
  const meter = meterCapacity(client);
  await handle("order|3", { kind: "pay", cents: 12_50 });
  for (const { operation, readUnits, writeUnits } of meter.calls)
    console.log(operation, readUnits, writeUnits);
  meter.detach();
  await inMemory.append("order|1", [{ type: "OrderPaid", data: { cents: 1 } }]);
  await expectAllShown("how-to/test-on-your-machine.md", printed, { meter: 2 });
});
