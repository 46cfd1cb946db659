//#region projection
import { defineProjection } from "@tuppence/projections";
import { z } from "zod";
import { orderEvents } from "./order-events.ts";

const summary = z.object({
  customer: z.string(),
  cents: z.int(),
  status: z.enum(["open", "paid", "shipped", "cancelled"]),
});

/** A document for each order: what the customer sees of it. */
export const orderSummaries = defineProjection({
  name: "order-summaries",
  version: 1,
  events: orderEvents,
  types: ["OrderPlaced", "OrderPaid", "OrderShipped", "OrderCancelled"],
  schema: summary,
  key: ({ streamId }) => streamId,
  initialState: () => ({ customer: "", cents: 0, status: "open" as const }),
  evolve(order, { type, data }) {
    switch (type) {
      case "OrderPlaced":
        return { ...order, customer: data.customer, cents: data.cents };
      case "OrderPaid":
        return { ...order, status: "paid" as const };
      case "OrderShipped":
        return { ...order, status: "shipped" as const };
      case "OrderCancelled":
        return { ...order, status: "cancelled" as const };
    }
  },
});
//#endregion projection
