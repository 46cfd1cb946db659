import type { CreateTableCommandInput, DynamoDB } from "@aws-sdk/client-dynamodb";
import { Command, EventStore, EventType, type OnEventAlreadyExistsCallback, tuple } from "@castore/core";
import {
  DynamoDBSingleTableEventStorageAdapter,
  EVENT_TABLE_EVENT_STORE_ID_KEY,
  EVENT_TABLE_INITIAL_EVENT_INDEX_NAME,
  EVENT_TABLE_PK,
  EVENT_TABLE_SK,
  EVENT_TABLE_TIMESTAMP_KEY,
} from "@castore/event-storage-adapter-dynamodb";
import type { OrderEvent } from "@tuppence/bench/order-events";
import { MAX_ATTEMPTS, pauseAfter } from "../again.ts";
import { addOrder, NO_ORDERS, type Peer, type PeerStore, type Totals, VERSION_BEYOND } from "../peer.ts";

/** The table of its README, billed on demand like all others here. */
const TABLE = {
  TableName: "castore-events",
  AttributeDefinitions: [
    { AttributeName: EVENT_TABLE_PK, AttributeType: "S" },
    { AttributeName: EVENT_TABLE_SK, AttributeType: "N" },
    { AttributeName: EVENT_TABLE_EVENT_STORE_ID_KEY, AttributeType: "S" },
    { AttributeName: EVENT_TABLE_TIMESTAMP_KEY, AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: EVENT_TABLE_PK, KeyType: "HASH" },
    { AttributeName: EVENT_TABLE_SK, KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: EVENT_TABLE_INITIAL_EVENT_INDEX_NAME,
      KeySchema: [
        { AttributeName: EVENT_TABLE_EVENT_STORE_ID_KEY, KeyType: "HASH" },
        { AttributeName: EVENT_TABLE_TIMESTAMP_KEY, KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
  BillingMode: "PAY_PER_REQUEST",
} satisfies CreateTableCommandInput;

interface Orders extends Totals {
  readonly aggregateId: string;
  readonly version: number;
}

const orderPlaced = new EventType<"OrderPlaced", OrderEvent["data"]>({ type: "OrderPlaced" });

// The single-table adapter: its README calls the other one deprecated.
function openStore(client: DynamoDB) {
  return new EventStore({
    eventStoreId: "order",
    eventTypes: [orderPlaced],
    reducer: (orders: Orders, { aggregateId, version, payload }): Orders => ({
      ...addOrder(version === 1 ? NO_ORDERS : orders, payload),
      aggregateId,
      version,
    }),
    eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({
      tableName: TABLE.TableName,
      dynamoDBClient: client,
    }),
  });
}

/** `pushEvent` for one event, `pushEventGroup` for several; commands tried again by `Command`. */
export const castore: Peer = {
  name: "castore",
  label: "Castore",
  npmPackage: "@castore/event-storage-adapter-dynamodb",
  tables: [TABLE],
  open(client) {
    const store = openStore(client);
    const append: PeerStore["append"] = async (aggregateId, events, version) => {
      const details = events.map(({ type, data }, index) => {
        return { aggregateId, version: version + 1 + index, type, payload: data };
      });
      const [first, ...others] = details;
      if (first === undefined) return version;
      if (others.length === 0) await store.pushEvent(first);
      else {
        const [one, two, ...more] = details.map((detail) => store.groupEvent(detail));
        if (one && two) await EventStore.pushEventGroup(one, two, ...more);
      }
      return version + events.length;
    };
    return {
      append,
      load: async (id) => (await store.getAggregate(id)).aggregate ?? NO_ORDERS,
      openWriter: () => openWriter(openStore(client)),
      appendsBeyond: [{ how: "`version: 501`", append: (id, event) => append(id, [event], VERSION_BEYOND) }],
      stored: async (id) =>
        (await store.getEvents(id)).events.map(({ version, payload }) => ({
          number: version,
          orderId: payload.orderId,
        })),
    };
  },
};

/** The pause is ours: its command tries again at once, and twice by default. */
const onEventAlreadyExists: OnEventAlreadyExistsCallback = (_error, { attemptNumber }) =>
  pauseAfter(attemptNumber);

function openWriter(store: ReturnType<typeof openStore>): ReturnType<PeerStore["openWriter"]> {
  const placeOrder = new Command({
    commandId: "PLACE_ORDER",
    requiredEventStores: tuple(store),
    eventAlreadyExistsRetries: MAX_ATTEMPTS,
    onEventAlreadyExists,
    handler: async (order: { readonly id: string; readonly event: OrderEvent }, [orders]) => {
      const { aggregate } = await orders.getAggregate(order.id);
      await orders.pushEvent({
        aggregateId: order.id,
        version: (aggregate?.version ?? 0) + 1,
        type: order.event.type,
        payload: order.event.data,
      });
    },
  });
  return (id, event) => placeOrder.handler({ id, event }, [store]);
}
