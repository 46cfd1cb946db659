import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, defineEvents } from "@tuppence/core";
import { defineProjection } from "@tuppence/projections";
import { createQueue } from "@tuppence/queue";
import { append, createScheduler } from "@tuppence/scheduler";
import { z } from "zod";

/** What happens in the shop: in streams `order|7`, `letter|7` and `reminder|7`. */
const shopEvents = defineEvents({
  OrderPlaced: z.object({ order: z.string(), customer: z.string(), cents: z.int() }),
  LetterSent: z.object({ order: z.string() }),
  PaymentReminded: z.object({ order: z.string() }),
});

/** How long a customer may take to pay. */
const PAYMENT_TIME = process.env["PAYMENT_TIME"] ?? "14d";

/** Where everything is kept, on one client. */
export function openShop(client: DynamoDBClient) {
  const store = createEventStore({ client, events: shopEvents });
  const letters = createQueue({ client, name: "letters", schema: z.object({ order: z.string() }) });
  const order = z.object({ order: z.string() });
  const targets = {
    // In one transaction with the end of the occurrence: exactly once.
    remindOfPayment: append({
      store,
      payload: order,
      streamId: ({ payload }) => `reminder|${payload.order}`,
      events: ({ payload }) => [{ type: "PaymentReminded", data: payload }],
    }),
  };
  const scheduler = createScheduler({ client, targets, shards: 1 });
  return { store, letters, targets, scheduler };
}

export type Shop = ReturnType<typeof openShop>;

/** The read model: what each customer has ordered. */
export const customers = defineProjection({
  name: "customers",
  version: 1,
  events: shopEvents,
  types: ["OrderPlaced"],
  key: ({ data }) => data.customer,
  initialState: () => ({ orders: 0, cents: 0 }),
  evolve: ({ orders, cents }, { data }) => ({ orders: orders + 1, cents: cents + data.cents }),
});

/** What follows from an order. A process that dies may do it again: message and schedule are known by their names, and are there once. */
export function defineFollowUps({ letters, scheduler }: Shop) {
  return defineProjection({
    name: "follow-ups",
    version: 1,
    events: shopEvents,
    types: ["OrderPlaced"],
    react: async ({ data: { order, customer }, recordedAt }, { idempotencyKey }) => {
      await letters.enqueue({ body: { order }, key: customer, messageId: idempotencyKey, since: recordedAt });
      await scheduler.schedule({
        name: `payment|${order}`,
        in: PAYMENT_TIME,
        target: "remindOfPayment",
        payload: { order },
      });
    },
  });
}
