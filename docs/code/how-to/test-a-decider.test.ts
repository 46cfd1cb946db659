import { expectShown } from "../shown.ts";
import type { OrderEvent } from "./order-events.ts";
//#region tests
import { createCommandHandler } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { testDecider } from "@tuppence/core/testing";
import { expect, it } from "vitest";
import { order, WrongAmountError } from "./order.ts";
import { orderEvents } from "./order-events.ts";

const given = testDecider(order);
const placed = { type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } } as const;
const paid = { type: "OrderPaid", data: { cents: 12_50 } } as const;

it("is paid in full", () => {
  given([placed]).when({ kind: "pay", cents: 12_50 }).thenEvents([paid]);
  given([placed]).when({ kind: "pay", cents: 10_00 }).thenThrows(WrongAmountError);
  given([placed]).when({ kind: "pay", cents: 10_00 }).thenThrows({ missing: 2_50 }); // some of its fields
});

it("is paid once", () => {
  given([placed, paid]).when({ kind: "pay", cents: 12_50 }).thenNothing();
});

it("says what it has come to", () => {
  given([placed, paid]).thenState({ status: "paid", cents: 12_50 });
  given([placed])
    .when({ kind: "cancel", reason: "too late" })
    .thenState(({ status }) => status, "cancelled");
});
//#endregion tests

//#region through
it("is paid once, through a store", async () => {
  const store = createMemoryEventStore({ events: orderEvents });
  const handle = createCommandHandler({ store, decider: order });
  await handle("order|1", { kind: "place", customer: "ada", cents: 12_50 });
  await Promise.all([1, 2, 3].map(() => handle("order|1", { kind: "pay", cents: 12_50 })));
  const { state, version } = await store.load("order|1", order);
  expect([state.status, version]).toEqual(["paid", 2]);
});
//#endregion through

it("tells the whole story when it fails", async () => {
  const halfPrice = {
    ...order,
    decide: (): OrderEvent => ({ type: "OrderPaid", data: { cents: 6_25 } }),
  };
  const wrong = testDecider(halfPrice);
  let message = "";
  try {
    wrong([placed]).when({ kind: "pay", cents: 12_50 }).thenEvents([paid]);
  } catch (error) {
    message = (error as Error).message;
  }
  await expectShown("how-to/test-a-decider.md", "story", message.trimEnd().split("\n"));
});
