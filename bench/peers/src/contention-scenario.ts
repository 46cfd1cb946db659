import { type Load, measure, type Measured } from "@tuppence/bench/measure";
import { orderEvents } from "@tuppence/bench/order-events";
import { consumedBy } from "./consumed.ts";
import { openDatabase } from "./databases.ts";
import type { Peer, PeerStore } from "./peer.ts";
import { operationsOf, type Scale, type Scenario } from "./scenario.ts";

const WRITERS = { full: 16, small: 4 } as const;
const EVENTS_PER_WRITER = { full: 20, small: 5 } as const;
/** No event is begun after that many seconds. */
const MAX_ROUND_SECONDS = 10;

/** Writers that share one stream, each as a process of its own would: they load, decide, append, and lose to each other. */
export function contentionScenario(scale: Scale): Scenario {
  const writers = WRITERS[scale];
  const events = writers * EVENTS_PER_WRITER[scale];
  return {
    name: "contention",
    title: `${writers} writers × ${EVENTS_PER_WRITER[scale]} events, 1 stream`,
    per: "an event",
    impossible: () => undefined,
    async prepare(peer, servers) {
      const database = await openDatabase(servers, peer);
      const metered = database.connect();
      const meteredStore = database.openStore(metered);
      const load = { operations: events, concurrency: writers, maxSeconds: MAX_ROUND_SECONDS };
      let appended = 0;
      const consumed = await consumedBy(
        { client: metered, lookUp: database.connect(), tables: peer.tables },
        async () => {
          appended = operationsOf(await contend(meteredStore, load, "warm"));
        },
      );
      const store = database.openStore();
      await expectAll(peer, store, { stream: "warm", events: appended });
      return {
        async run(round) {
          const measured = await contend(store, load, `${round}`);
          await expectAll(peer, store, { stream: `${round}`, events: operationsOf(measured) });
          return {
            eventsPerSecond: measured.operationsPerSecond,
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

async function contend(store: PeerStore, load: Load, stream: string): Promise<Measured> {
  const orders = orderEvents(load.operations);
  const writers = Array.from({ length: load.concurrency }, () => store.openWriter());
  return measure(load, async (index, writer) => {
    const order = orders[index];
    if (order !== undefined) await writers[writer]?.(stream, order);
  });
}

/** Each event once, and no number left out. */
async function expectAll(
  peer: Peer,
  store: PeerStore,
  { stream, events }: { readonly stream: string; readonly events: number },
): Promise<void> {
  const stored = await store.stored(stream);
  const distinct = new Set(stored.map(({ orderId }) => orderId));
  const gapless = stored.every(({ number }, index) => number === index + 1);
  if (stored.length !== events || distinct.size !== events || !gapless) {
    throw new Error(`${peer.label} has ${stored.length} events of ${events}, ${distinct.size} distinct.`);
  }
}
