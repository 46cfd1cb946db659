//#region events
import { defineEvents, type EventOf } from "@tuppence/core";
import { z } from "zod";

export const orderEvents = defineEvents({
  OrderPlaced: z.object({ customer: z.string(), cents: z.int() }),
  OrderPaid: z.object({ cents: z.int() }),
  OrderShipped: z.object({ parcel: z.string() }),
  OrderCancelled: z.object({ reason: z.string() }),
});
export type OrderEvent = EventOf<typeof orderEvents>;
//#endregion events
