import { setTimeout as sleep } from "node:timers/promises";
import { createCommandHandler, createEventStore, createStateCache, type NewEvent } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import type { Benchmark, RunOptions, ScenarioResult } from "./benchmark.ts";
import { consumedBy, type Database, openDatabase } from "./databases.ts";
import { createHandWrittenStore } from "./hand-written-store.ts";
import { type Figures, inTurn, measure, medians, ratios } from "./measure.ts";
import { type OrderEvent, orderEvents } from "./order-events.ts";
import { formatFigureTable } from "./table.ts";

const WRITERS = 16;
const EVENTS_PER_WRITER = 20;
const EVENTS = WRITERS * EVENTS_PER_WRITER;
const ORDERS = orderEvents(EVENTS);

/** Many writers and one stream: what conflicts cost, and what putting appends together saves. */
export const contentionBenchmark: Benchmark = {
  name: "contention",
  description: `${WRITERS} writers append ${EVENTS_PER_WRITER} events each to one stream: time and requests`,
  run: async (local, options) => [await compare(local, options)],
};

/** One writer's append of one event to the stream that all share; returns the event's version. */
type Write = (streamId: string, event: OrderEvent) => Promise<number>;

/** Makes the writers of a side, in a database of its own. */
type Side = (database: Database) => readonly Write[];

const ours: Side = ({ client }) => {
  const store = createEventStore({ client });
  return writers(() => async (streamId, event) => (await store.append(streamId, [event])).version);
};

/** A store for each writer stands for a process for each: none sees what the others know. */
const oursCommandHandler: Side = ({ client }) =>
  writers(() => {
    const store = createEventStore({ client });
    const handle = createCommandHandler({ store, decider: ORDER_COUNT, maxAttempts: MAX_ATTEMPTS });
    return async (streamId, event) => (await handle(streamId, event)).version;
  });

/** One process: all writers share a store and a handler. */
const oursCached: Side = ({ client }) => {
  const store = createEventStore({ client });
  const cache = createStateCache<number>();
  const handle = createCommandHandler({ store, decider: ORDER_COUNT, maxAttempts: MAX_ATTEMPTS, cache });
  return writers(() => async (streamId, event) => (await handle(streamId, event)).version);
};

const oursBatched: Side = ({ client }) => {
  const store = createEventStore({ client });
  const handle = createCommandHandler({
    store,
    decider: ORDER_COUNT,
    maxAttempts: MAX_ATTEMPTS,
    batch: true,
  });
  return writers(() => async (streamId, event) => (await handle(streamId, event)).version);
};

const handWritten: Side = (database) =>
  writers(() => {
    const store = createHandWrittenStore(database);
    return async (streamId, event) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await store.append(streamId, [event], await store.version(streamId));
        } catch (error) {
          if (!isConflict(error) || attempt === MAX_ATTEMPTS) throw error;
          // Full jitter, as AWS advises; without it everybody loses two to three times as often.
          await sleep(Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
        }
      }
    };
  });

/** All writers get through, however often they lose. */
const MAX_ATTEMPTS = 1_000;

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 250;

/** Decides for every command, whatever the state: it loses to other writers only. */
const ORDER_COUNT = {
  initialState: (): number => 0,
  evolve: (orders: number): number => orders + 1,
  decide: (order: OrderEvent): NewEvent => order,
};

function writers(create: () => Write): Write[] {
  return Array.from({ length: WRITERS }, create);
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && error.name === "ConditionalCheckFailedException";
}

const HEADINGS = {
  seconds: "seconds",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  cpuMsPerEvent: "CPU ms/event",
  requests: "requests",
  readUnits: "read units",
  writeUnits: "write units",
};

async function compare(local: DynamoDBLocal, { rounds, tell }: RunOptions): Promise<ScenarioResult> {
  using ourDatabase = await openDatabase(local);
  using handlerDatabase = await openDatabase(local);
  using cachedDatabase = await openDatabase(local);
  using batchedDatabase = await openDatabase(local);
  using theirDatabase = await openDatabase(local);
  const sides = [
    await prepare(ours, ourDatabase),
    await prepare(oursCommandHandler, handlerDatabase),
    await prepare(oursCached, cachedDatabase),
    await prepare(oursBatched, batchedDatabase),
    await prepare(handWritten, theirDatabase),
  ];
  const [our, handler, cached, batched, theirs] = await inTurn(sides, rounds);
  const result = {
    ours: medians(our),
    oursCommandHandler: medians(handler),
    oursCached: medians(cached),
    oursBatched: medians(batched),
    handWritten: medians(theirs),
  };
  const ratio = ratios(our, theirs);
  const ratioCommandHandler = ratios(handler, theirs);
  const ratioCached = ratios(cached, theirs);
  const ratioBatched = ratios(batched, theirs);
  const title = `${WRITERS} writers of ${EVENTS_PER_WRITER} events, 1 stream`;
  const rows = [
    { label: 'ours, append to "any", one store', figures: result.ours },
    { label: `ours, command handler, ${WRITERS} stores`, figures: result.oursCommandHandler },
    { label: "ours, command handler with cache, one store", figures: result.oursCached },
    { label: "ours, command handler with batches, one store", figures: result.oursBatched },
    { label: "hand-written: query, put, pause, again", figures: result.handWritten },
    { label: "ratio, append / hand-written", figures: ratio, ratio: true },
    { label: "ratio, command handler / hand-written", figures: ratioCommandHandler, ratio: true },
    { label: "ratio, with cache / hand-written", figures: ratioCached, ratio: true },
    { label: "ratio, with batches / hand-written", figures: ratioBatched, ratio: true },
  ];
  tell(formatFigureTable({ title, headings: HEADINGS, rows }));
  const details = { writers: WRITERS, eventsPerWriter: EVENTS_PER_WRITER, units: HEADINGS };
  return { name: title, ...details, ...result, ratio, ratioCommandHandler, ratioCached, ratioBatched };
}

/** A side after a first round to warm up. */
async function prepare(side: Side, database: Database): Promise<(round: number) => Promise<Figures>> {
  const writes = side(database);
  await contend(database, writes, "order|warm-up");
  return (round) => contend(database, writes, `order|${round}`);
}

/** How many requests it takes is chance here, so every round is metered, which slows all sides alike. */
async function contend(database: Database, writes: readonly Write[], streamId: string): Promise<Figures> {
  const versions = new Set<number>();
  const { result, consumed } = await consumedBy(database, () =>
    measure({ operations: EVENTS, concurrency: WRITERS }, async (index, writer) => {
      const order = ORDERS[index];
      if (order !== undefined) versions.add((await writes[writer]?.(streamId, order)) ?? 0);
    }),
  );
  if (versions.size !== EVENTS || Math.max(...versions) !== EVENTS) {
    throw new Error(`${EVENTS} events went to ${streamId}, and got ${versions.size} versions.`);
  }
  const { seconds, p50Ms, p99Ms, cpuMsPerOperation } = result;
  return { seconds, p50Ms, p99Ms, cpuMsPerEvent: cpuMsPerOperation, ...consumed };
}
