import type { CreateTableCommandInput, DynamoDB } from "@aws-sdk/client-dynamodb";
import {
  CachingStrategy,
  CacheEntry,
  type Category,
  Codec,
  Decider,
  LoadOption,
  MemoryCache,
  StreamId,
  StreamName,
  type StreamToken,
} from "@equinox-js/core";
import {
  AccessStrategy,
  DynamoStoreCategory,
  DynamoStoreClient,
  DynamoStoreContext,
  EventsContext,
  QueryOptions,
  TipOptions,
} from "@equinox-js/dynamo-store";
import type { OrderEvent } from "@tuppence/bench/order-events";
import { againAfterConflicts, isNamed, MAX_ATTEMPTS } from "../again.ts";
import { addOrder, NO_ORDERS, type Peer, type PeerStore, type Totals, VERSION_BEYOND } from "../peer.ts";

/** The table of its tests and of its CDK construct, where a stream is optional. */
const TABLE = {
  TableName: "equinox-events",
  AttributeDefinitions: [
    { AttributeName: "p", AttributeType: "S" },
    { AttributeName: "i", AttributeType: "N" },
  ],
  KeySchema: [
    { AttributeName: "p", KeyType: "HASH" },
    { AttributeName: "i", KeyType: "RANGE" },
  ],
  BillingMode: "PAY_PER_REQUEST",
} satisfies CreateTableCommandInput;

const CATEGORY = "Order";

// Bodies compressed by its own codec, as in its examples; the store takes no others.
const codec = Codec.compress(Codec.json<OrderEvent>());

function fold(totals: Totals, events: readonly OrderEvent[]): Totals {
  return events.reduce((state, { data }) => addOrder(state, data), totals);
}

type Orders = Category<OrderEvent, Totals>;

// `Unoptimized` is what its documentation calls a safe default; the others load a snapshot or the last event only.
function openCategory(context: DynamoStoreContext, cache?: MemoryCache): Orders {
  const caching = cache ? CachingStrategy.Cache(cache) : CachingStrategy.NoCache();
  const access = AccessStrategy.Unoptimized();
  return DynamoStoreCategory.create(context, CATEGORY, codec, fold, NO_ORDERS, caching, access);
}

function deciderOf(orders: Orders, id: string): Decider<OrderEvent, Totals> {
  return Decider.forStream(orders, StreamId.create(id), undefined);
}

/** A decider for each stream, with the cache that its documentation advises, and the default sizes of the tip. */
export const equinox: Peer = {
  name: "equinox",
  label: "equinox-js",
  npmPackage: "@equinox-js/dynamo-store",
  tables: [TABLE],
  open(client) {
    const context = openContext(client);
    const cache = new MemoryCache();
    const cached = openCategory(context, cache);
    const uncached = openCategory(context);
    return {
      // What is cached is what the caller knows: no read before the write, nor for a new stream.
      append: async (id, events, version) =>
        Number(
          await deciderOf(cached, id).transactVersion(
            () => [...events],
            version === 0 ? LoadOption.AssumeEmpty : LoadOption.AnyCachedValue,
          ),
        ),
      // Without the cache, which would have it all; RequireLoad, its default, reads eventually consistent.
      load: (id) => deciderOf(uncached, id).query((totals) => totals),
      openWriter: () => openWriter(openCategory(context, new MemoryCache())),
      appendsBeyond: [
        { how: "from a cached state of version 500", append: appendFromWrongState(cached, cache) },
      ],
      async stored(id) {
        const events = await new EventsContext(context).read(
          StreamName.create(CATEGORY, StreamId.create(id)),
        );
        return events.flatMap((event) => {
          const order = codec.decode(event);
          return order ? [{ number: Number(event.index) + 1, orderId: order.data.orderId }] : [];
        });
      },
    };
  },
};

function openContext(client: DynamoDB): DynamoStoreContext {
  return new DynamoStoreContext({
    client: new DynamoStoreClient(client),
    tableName: TABLE.TableName,
    tip: TipOptions.create({}),
    query: QueryOptions.create({}),
  });
}

/** It decides again by itself, at once; but what a transaction loses by, when the tip is full, it throws. */
function openWriter(orders: Orders): ReturnType<PeerStore["openWriter"]> {
  return (id, event) =>
    againAfterConflicts(
      (error) => isNamed(error, "TransactionCanceledException"),
      () => deciderOf(orders, id).transact(() => [event], LoadOption.RequireLoad, MAX_ATTEMPTS),
    );
}

/** An append names no version: only a cache that is wrong can lead it astray. */
function appendFromWrongState(
  orders: Orders,
  cache: MemoryCache,
): (id: string, event: OrderEvent) => Promise<unknown> {
  return async (id, event) => {
    const position = {
      index: VERSION_BEYOND,
      etag: "wrong",
      calvedBytes: 0,
      baseBytes: 0,
      unfoldsBytes: 0,
      events: [],
    };
    const token: StreamToken = { value: { pos: position }, version: BigInt(VERSION_BEYOND), bytes: 0n };
    const streamName = StreamName.create(CATEGORY, StreamId.create(id));
    cache.updateIfNewer(streamName, () => true, new CacheEntry<Totals>(token, NO_ORDERS, Date.now()));
    return deciderOf(orders, id).transact(() => [event], LoadOption.AnyCachedValue);
  };
}
