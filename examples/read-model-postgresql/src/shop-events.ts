import { defineEvents } from "@tuppence/core";
import { z } from "zod";

/** What happens to the orders of a shop: each order is a stream. */
export const shopEvents = defineEvents({
  OrderPlaced: z.object({ customer: z.string(), cents: z.int() }),
  OrderShipped: z.object({ parcel: z.string() }),
  OrderCancelled: z.object({ customer: z.string(), cents: z.int() }),
});
