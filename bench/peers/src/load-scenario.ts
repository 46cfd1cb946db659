import { measure } from "@tuppence/bench/measure";
import { orderEvents } from "@tuppence/bench/order-events";
import { consumedBy } from "./consumed.ts";
import { openDatabase } from "./databases.ts";
import { addOrder, NO_ORDERS, type Peer, type PeerStore, type Totals } from "./peer.ts";
import { type Scale, scaled, type Scenario } from "./scenario.ts";

const LENGTHS = [
  { events: 100, loads: 200 },
  { events: 1_000, loads: 40 },
] as const;

/** How long a round of a peer may take, in seconds. */
const MAX_ROUND_SECONDS = 2;

const STREAM = "loaded";

/** All events of a stream, appended one by one, read and folded; no snapshot, no cache. */
export function loadScenarios(scale: Scale): Scenario[] {
  return LENGTHS.map(({ events, loads }) => loadScenario(events, scaled(loads, scale)));
}

function loadScenario(events: number, loads: number): Scenario {
  return {
    name: `load${events}`,
    title: `load ${events.toLocaleString("en-US")} events`,
    per: "a load",
    impossible: ({ noLoads }) => noLoads,
    async prepare(peer, servers) {
      const database = await openDatabase(servers, peer);
      const metered = database.connect();
      const meteredStore = database.openStore(metered);
      const expected = await fill(meteredStore, events);
      const consumed = await consumedBy(
        { client: metered, lookUp: database.connect(), tables: peer.tables },
        () => loadAll(peer, meteredStore, expected),
      );
      const store = database.openStore();
      await loadAll(peer, store, expected);
      return {
        async run() {
          const load = { operations: loads, concurrency: 1, maxSeconds: MAX_ROUND_SECONDS };
          const measured = await measure(load, () => store.load?.(STREAM) ?? Promise.reject());
          return {
            eventsPerSecond: measured.operationsPerSecond * events,
            p50Ms: measured.p50Ms,
            p99Ms: measured.p99Ms,
            ...consumed,
          };
        },
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      };
    },
  };
}

async function fill(store: PeerStore, count: number): Promise<Totals> {
  let version = 0;
  let totals = NO_ORDERS;
  for (const event of orderEvents(count)) {
    version = await store.append(STREAM, [event], version);
    totals = addOrder(totals, event.data);
  }
  return totals;
}

async function loadAll(peer: Peer, store: PeerStore, expected: Totals): Promise<void> {
  const { orders, cents } = (await store.load?.(STREAM)) ?? NO_ORDERS;
  if (orders !== expected.orders || cents !== expected.cents) {
    throw new Error(`${peer.label} loads ${orders} of ${expected.orders} events.`);
  }
}
