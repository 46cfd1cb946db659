import { measure, type Measured } from "@tuppence/bench/measure";
import { orderEvents } from "@tuppence/bench/order-events";
import { consumedBy } from "./consumed.ts";
import { openDatabase } from "./databases.ts";
import type { PeerStore } from "./peer.ts";
import { operationsOf, type Scale, scaled, type Scenario } from "./scenario.ts";

interface AppendShape {
  readonly name: string;
  readonly title: string;
  readonly eventsPerAppend: number;
  /** Appends under way at a time; no stream has more than one of them. */
  readonly concurrency: number;
  /** Streams that a round spreads its appends over: as many as come to streams of a usual length. */
  readonly streams: number;
  /** In a round, of each peer; on a slow machine as many as there is time for. */
  readonly appends: number;
}

/** The streams have 20, 10 and 50 events in the end: as short as most streams are, which suits those who rewrite items. */
const SHAPES: readonly AppendShape[] = [
  {
    name: "append1",
    title: "append 1 event",
    eventsPerAppend: 1,
    concurrency: 1,
    streams: 20,
    appends: 400,
  },
  {
    name: "append1x32",
    title: "append 1 event, 32 at once, 200 streams",
    eventsPerAppend: 1,
    concurrency: 32,
    streams: 200,
    appends: 2_000,
  },
  {
    name: "append10",
    title: "append 10 events atomically",
    eventsPerAppend: 10,
    concurrency: 1,
    streams: 40,
    appends: 200,
  },
];

/** How long a round of a peer may take, in seconds. */
const MAX_ROUND_SECONDS = 2;
/** How long the round may take that warms up and is metered. */
const MAX_METERING_SECONDS = 8;

/** Appends at a version that the caller knows. */
export function appendScenarios(scale: Scale): Scenario[] {
  return SHAPES.map((shape) =>
    appendScenario({
      ...shape,
      appends: scaled(shape.appends, scale),
      streams: scaled(shape.streams, scale),
      concurrency: scaled(shape.concurrency, scale),
    }),
  );
}

function appendScenario(shape: AppendShape): Scenario {
  return {
    name: shape.name,
    title: shape.title,
    per: "an append",
    impossible: ({ noBatches }) => (shape.eventsPerAppend > 1 ? noBatches : undefined),
    async prepare(peer, servers) {
      const database = await openDatabase(servers, peer);
      const metered = database.connect();
      const meteredStore = database.openStore(metered);
      let appended = 0;
      const consumed = await consumedBy(
        { client: metered, lookUp: database.connect(), tables: peer.tables },
        async () => {
          appended = operationsOf(await runAppends(meteredStore, shape, "warm", MAX_METERING_SECONDS));
        },
      );
      const store = database.openStore();
      return {
        async run(round) {
          const measured = await runAppends(store, shape, `${round}`, MAX_ROUND_SECONDS);
          return {
            eventsPerSecond: measured.operationsPerSecond * shape.eventsPerAppend,
            p50Ms: measured.p50Ms,
            p99Ms: measured.p99Ms,
            requests: consumed.requests / appended,
            readUnits: consumed.readUnits / appended,
            writeUnits: consumed.writeUnits / appended,
          };
        },
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      };
    },
  };
}

/** The orders to append, over and over; making them is not measured. */
const ORDERS = orderEvents(1_000);

/** Worker w has the streams w, w + concurrency, … and goes round them. */
function runAppends(
  store: PeerStore,
  { appends, concurrency, streams, eventsPerAppend }: AppendShape,
  name: string,
  maxSeconds: number,
): Promise<Measured> {
  const versions = Array.from({ length: streams }, () => 0);
  const load = { operations: appends, concurrency, maxSeconds };
  return measure(load, async (index, worker) => {
    const ownStreams = Math.ceil((streams - worker) / concurrency);
    const stream = worker + (Math.floor(index / concurrency) % ownStreams) * concurrency;
    const from = (index * eventsPerAppend) % ORDERS.length;
    const events = ORDERS.slice(from, from + eventsPerAppend);
    versions[stream] = await store.append(`${name}-${stream}`, events, versions[stream] ?? 0);
  });
}
