import type { DynamoDB } from "@aws-sdk/client-dynamodb";
import type { OrderEvent } from "@tuppence/bench/order-events";
import {
  createCommandHandler,
  createEventStore,
  createStateCache,
  eventsTable,
  type NewEvent,
} from "@tuppence/core";
import { MAX_ATTEMPTS } from "../again.ts";
import { addOrder, NO_ORDERS, type Peer, type PeerStore, type Totals, VERSION_BEYOND } from "../peer.ts";

const FOLD = {
  initialState: (): Totals => NO_ORDERS,
  evolve: (totals: Totals, { data }: { readonly data: unknown }): Totals =>
    addOrder(totals, data as OrderEvent["data"]),
};
const DECIDER = { ...FOLD, decide: (order: OrderEvent): NewEvent => order };

function open(client: DynamoDB, leanRequests: boolean): PeerStore {
  const store = createEventStore({ client, leanRequests });
  const append: PeerStore["append"] = async (stream, events, expectedVersion) =>
    (await store.append(`order|${stream}`, events, { expectedVersion })).version;
  return {
    append,
    load: async (stream) => (await store.load(`order|${stream}`, FOLD)).state,
    // A cache for each writer, as equinox-js is given one: a writer reads only what the others wrote.
    openWriter() {
      const own = createEventStore({ client, leanRequests });
      const cache = createStateCache<Totals>();
      const handle = createCommandHandler({ store: own, decider: DECIDER, maxAttempts: MAX_ATTEMPTS, cache });
      return async (stream, order) => void (await handle(`order|${stream}`, order));
    },
    appendsBeyond: [
      { how: "`expectedVersion: 500`", append: (stream, event) => append(stream, [event], VERSION_BEYOND) },
    ],
    async stored(stream) {
      const orders = [];
      for await (const { version, data } of store.read(`order|${stream}`)) {
        orders.push({ number: version, orderId: (data as OrderEvent["data"]).orderId });
      }
      return orders;
    },
  };
}

/** With the options it has by default. */
export const tuppence: Peer = {
  name: "tuppence",
  label: "Tuppence",
  ours: true,
  npmPackage: "@tuppence/core",
  tables: [eventsTable()],
  open: (client) => open(client, false),
};

/** With the option that goes without the SDK's commands. The others have nothing like it; it is a row of its own. */
export const tuppenceLean: Peer = {
  ...tuppence,
  name: "tuppenceLean",
  label: "Tuppence, `leanRequests`",
  npmPackage: undefined,
  open: (client) => open(client, true),
};
