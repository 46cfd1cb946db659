import { randomUUID } from "node:crypto";
import { type CreateTableCommandInput, type DynamoDB, paginateQuery } from "@aws-sdk/client-dynamodb";
import type { OrderEvent } from "@tuppence/bench/order-events";
import {
  type Aggregate,
  type AggregateId,
  type Event,
  type EventStore,
  EventStoreFactory,
} from "event-store-adapter-js";
import { againAfterConflicts, isNamed } from "../again.ts";
import { addOrder, NO_ORDERS, type Peer, type PeerStore, type Totals, VERSION_BEYOND } from "../peer.ts";

const INDEX = "aid-index";

/** Journal and snapshots have the same keys and index in its documentation and tests. */
function table(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    AttributeDefinitions: [
      { AttributeName: "pkey", AttributeType: "S" },
      { AttributeName: "skey", AttributeType: "S" },
      { AttributeName: "aid", AttributeType: "S" },
      { AttributeName: "seq_nr", AttributeType: "N" },
    ],
    KeySchema: [
      { AttributeName: "pkey", KeyType: "HASH" },
      { AttributeName: "skey", KeyType: "RANGE" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: INDEX,
        KeySchema: [
          { AttributeName: "aid", KeyType: "HASH" },
          { AttributeName: "seq_nr", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ],
    BillingMode: "PAY_PER_REQUEST",
  };
}

const JOURNAL = "journal";
const SNAPSHOTS = "snapshots";
/** The number of logical shards of its README. */
const SHARDS = 32;

class OrderId implements AggregateId {
  readonly typeName = "order";
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }

  asString(): string {
    return `${this.typeName}-${this.value}`;
  }
}

class Orders implements Aggregate<Orders, OrderId> {
  readonly typeName = "Orders";
  readonly id: OrderId;
  readonly totals: Totals;
  readonly sequenceNumber: number;
  readonly version: number;

  constructor(
    id: OrderId,
    totals: Totals,
    at: { readonly sequenceNumber: number; readonly version: number },
  ) {
    this.id = id;
    this.totals = totals;
    this.sequenceNumber = at.sequenceNumber;
    this.version = at.version;
  }

  withVersion(version: number): Orders {
    return new Orders(this.id, this.totals, { sequenceNumber: this.sequenceNumber, version });
  }

  updateVersion(update: (version: number) => number): Orders {
    return this.withVersion(update(this.version));
  }

  apply({ data, sequenceNumber }: Pick<Placed, "data" | "sequenceNumber">): Orders {
    return new Orders(this.id, addOrder(this.totals, data), { sequenceNumber, version: this.version });
  }
}

interface Placed extends Event<OrderId> {
  readonly data: OrderEvent["data"];
}

function placed(aggregateId: OrderId, { type, data }: OrderEvent, sequenceNumber: number): Placed {
  const isCreated = sequenceNumber === 1;
  const occurredAt = new Date();
  return { typeName: type, id: randomUUID(), aggregateId, data, sequenceNumber, occurredAt, isCreated };
}

type Store = EventStore<OrderId, Orders, Placed>;

function openStore(client: DynamoDB): Store {
  return EventStoreFactory.ofDynamoDB<OrderId, Orders, Placed>(
    client,
    JOURNAL,
    SNAPSHOTS,
    INDEX,
    INDEX,
    SHARDS,
    (json) => (json as unknown as { data: Placed }).data,
    (json) => {
      const { id, totals, sequenceNumber, version } = (json as unknown as { data: Orders }).data;
      return new Orders(new OrderId(id.value), totals, { sequenceNumber, version });
    },
  );
}

/** As in its README: a snapshot with the first event, which must have one, and none with the others. */
async function persist(store: Store, event: Placed, lockVersion: number): Promise<void> {
  if (!event.isCreated) return store.persistEvent(event, lockVersion);
  const created = new Orders(event.aggregateId, NO_ORDERS, { sequenceNumber: 0, version: 1 }).apply(event);
  return store.persistEventAndSnapshot(event, created);
}

/** The `findById` of its README: the snapshot, and the events since. */
async function findById(store: Store, id: OrderId): Promise<Orders | undefined> {
  const snapshot = await store.getLatestSnapshotById(id);
  if (snapshot === undefined) return undefined;
  const events = await store.getEventsByIdSinceSequenceNumber(id, snapshot.sequenceNumber + 1);
  return events.reduce((orders, event) => orders.apply(event), snapshot);
}

/** Each event goes into the journal in one transaction with the version of its aggregate, in the snapshot's item. */
export const eventStoreAdapter: Peer = {
  name: "eventStoreAdapter",
  label: "event-store-adapter-js",
  npmPackage: "event-store-adapter-js",
  tables: [table(JOURNAL), table(SNAPSHOTS)],
  noBatches: "takes one event a call",
  open(client) {
    const store = openStore(client);
    return {
      async append(stream, events, version) {
        const [event] = events;
        if (event) await persist(store, placed(new OrderId(stream), event, version + 1), version);
        return version + 1;
      },
      load: async (stream) => (await findById(store, new OrderId(stream)))?.totals ?? NO_ORDERS,
      openWriter: () => openWriter(openStore(client)),
      appendsBeyond: [
        {
          how: "at version 500",
          append: (stream, event) =>
            persist(store, placed(new OrderId(stream), event, VERSION_BEYOND + 1), VERSION_BEYOND),
        },
        {
          how: "with sequence number 501 at the right version",
          append: (stream, event) =>
            persist(store, placed(new OrderId(stream), event, VERSION_BEYOND + 1), 3),
        },
      ],
      stored: (stream) => readJournal(client, new OrderId(stream)),
    };
  },
};

function openWriter(store: Store): ReturnType<PeerStore["openWriter"]> {
  return (stream, event) =>
    againAfterConflicts(
      (error) => isNamed(error, "OptimisticLockError", "TransactionCanceledException"),
      async () => {
        const id = new OrderId(stream);
        const orders = await findById(store, id);
        await persist(store, placed(id, event, (orders?.sequenceNumber ?? 0) + 1), orders?.version ?? 0);
      },
    );
}

/** All pages of the journal: its own reads give the first. */
async function readJournal(
  client: DynamoDB,
  id: OrderId,
): Promise<{ readonly number: number; readonly orderId: string }[]> {
  const stored = [];
  const query = {
    TableName: JOURNAL,
    IndexName: INDEX,
    KeyConditionExpression: "aid = :aid",
    ExpressionAttributeValues: { ":aid": { S: id.asString() } },
  };
  for await (const { Items: items = [] } of paginateQuery({ client }, query)) {
    for (const { seq_nr, payload } of items) {
      const { data } = JSON.parse(Buffer.from(payload?.B ?? "").toString()) as { data: Placed };
      stored.push({ number: Number(seq_nr?.N), orderId: data.data.orderId });
    }
  }
  return stored;
}
