import {
  createEventStore,
  createSequencer,
  type EventDefinitions,
  type Item,
  meterCapacity,
  SYSTEM_RUNTIME,
} from "@tuppence/core";
import { createLeaseGroup } from "@tuppence/core/leases";
import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { LEASE_GROUP } from "../src/builds/names.ts";
import { defineProjection, type DocumentOptions } from "../src/definition/define-projection.ts";
import type { DocumentProjection } from "../src/definition/projection.ts";
import { PROJECTION_GUARDS } from "../src/run/guards.ts";
import type { ProjectionEvent } from "../src/run/projection-event.ts";
import { DEFAULT_CHECKPOINT_INTERVAL_MS } from "../src/run/slot-runner.ts";
import { createProjections } from "../src/projections.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";
import { StoredProjectionWorker } from "../src/worker/projection-worker.ts";
import { connect } from "@tuppence/test-support/database";

/** Requests and capacity units of projections, exactly, as meters on their clients see them: one for each table. */

const DATABASE = "projectioncosts";
const EVENTS = 1_000;
const PAGE_COMMITS = 100;

const clients = { log: connect(DATABASE), documents: connect(DATABASE), control: connect(DATABASE) };
const meters = {
  log: meterCapacity(clients.log),
  documents: meterCapacity(clients.documents),
  control: meterCapacity(clients.control),
};

/** Positions that were stored by themselves; all else that a lease writes goes by the clock. */
let moves = 0;
/** What a slot takes for the time. Those of leases go on. */
let nowMs = 0;

const ofControl = createDynamoDBProjectionStorage(clients.control, "tuppence");
const storage: ProjectionStorage = {
  ...ofControl,
  documents: createDynamoDBProjectionStorage(clients.documents, "tuppence").documents,
  control: {
    ...ofControl.control,
    update(update, signal) {
      if (update.set["position"] !== undefined) moves++;
      return ofControl.control.update(update, signal);
    },
  },
};

beforeAll(async () => {
  const items: Item[] = [];
  const memory = createMemoryStorage();
  const putNew: typeof memory.putNew = (item, signal) => {
    items.push(item);
    return memory.putNew(item, signal);
  };
  const store = createMemoryEventStore({ storage: { ...memory, putNew } });
  for (let index = 0; index < EVENTS; index++)
    await store.append(`case|${index % 100}`, [{ type: "Done", data: { index } }]);
  await createEventStore({ client: clients.log }).ensureTables();
  await storage.ensureTables();
  const sequencer = createSequencer({ client: clients.log });
  for (let from = 0; from < EVENTS; from += PAGE_COMMITS)
    await sequencer.sequence(items.slice(from, from + PAGE_COMMITS));
});

interface Running {
  readonly caughtUp: Promise<void>;
  readonly stop: () => Promise<void>;
}

function run(projection: DocumentProjection<Count>, onEvent?: (event: ProjectionEvent) => void): Running {
  for (const meter of Object.values(meters)) meter.reset();
  moves = 0;
  let tellCaughtUp: () => void;
  const caughtUp = new Promise<void>((resolve) => {
    tellCaughtUp = resolve;
  });
  const worker = new StoredProjectionWorker({
    projections: [projection],
    store: createEventStore({ client: clients.log }),
    storage,
    // Long enough for a slow machine: what is done twice would be counted twice.
    leases: createLeaseGroup({ storage: storage.control, group: LEASE_GROUP, leaseDurationMs: 60_000 }),
    runtime: { ...SYSTEM_RUNTIME, monotonic: () => nowMs },
    guards: PROJECTION_GUARDS,
    log: createEventStore({ client: clients.log }).openLogReader({ pollIntervalMs: 20 }),
    checkpointIntervalMs: DEFAULT_CHECKPOINT_INTERVAL_MS,
    parkedLookMs: 1_000,
    emit(event) {
      onEvent?.(event);
      if (event.type === "caughtUp") tellCaughtUp();
    },
  });
  worker.start();
  return { caughtUp, stop: () => worker.stop() };
}

async function catchUp(
  projection: DocumentProjection<Count>,
  onEvent?: (event: ProjectionEvent) => void,
): Promise<void> {
  const running = run(projection, onEvent);
  await running.caughtUp;
  await running.stop();
}

function counting(
  name: string,
  documents: 1 | 100,
  options: Pick<DocumentOptions<EventDefinitions, string, Count>, "batch" | "mode"> = {},
): DocumentProjection<Count> {
  return defineProjection({
    name,
    version: 1,
    key: ({ streamId }) => (documents === 1 ? "all" : streamId),
    initialState: () => ({ count: 0 }),
    evolve: ({ count }) => ({ count: count + 1 }),
    ...options,
  });
}

interface Count {
  readonly count: number;
}

const operationsOf = (meter: keyof typeof meters): readonly string[] =>
  meters[meter].calls.map(({ operation }) => operation);

/** The first one registers the projection. */
const transactions = (): readonly number[] =>
  meters.control.calls
    .flatMap(({ operation, writeUnits }) => (operation === "TransactWriteItems" ? [writeUnits] : []))
    .slice(1);

describe("a catch-up of 1,000 events", () => {
  it("into 1 document takes a read of it, a put and a checkpoint", async () => {
    await catchUp(counting("one", 1));
    expect(operationsOf("documents")).toEqual(["GetItem", "PutItem"]);
    expect(meters.documents.total()).toMatchObject({ writeUnits: 1 });
    expect(moves).toBe(1);
    // The pages, and a look for more.
    expect(operationsOf("log").slice(0, 2)).toEqual(["Query", "Query"]);
  });

  it("into 100 documents takes one batch of reads, a put for each and a checkpoint", async () => {
    await catchUp(counting("hundred", 100));
    const [read, ...puts] = operationsOf("documents");
    expect(read).toBe("BatchGetItem");
    expect(puts).toEqual(Array.from({ length: 100 }, () => "PutItem"));
    expect(meters.documents.total().writeUnits).toBe(100);
    expect(moves).toBe(1);
  });

  it("in transactions of 25 events: 2 units for each document, and 0.08 an event for the position", async () => {
    await catchUp(counting("together", 1, { mode: "transaction" }));
    expect(transactions()).toEqual(Array.from({ length: 40 }, () => 4));
    await catchUp(counting("apart", 100, { mode: "transaction" }));
    expect(transactions()).toEqual(Array.from({ length: 40 }, () => 2 + 25 * 2));
    expect(operationsOf("documents").filter((operation) => operation !== "BatchGetItem")).toEqual([]);
    // Nothing is left to be stored by itself.
    expect(moves).toBe(0);
  });

  it("in one batch of 250 documents, moves them in as many transactions as they need", async () => {
    const DOCUMENTS = 250;
    const together = defineProjection({
      name: "many",
      version: 1,
      mode: "transaction",
      batch: { maxEvents: EVENTS },
      key: ({ position }) => (position <= DOCUMENTS ? String(position) : undefined),
      initialState: (): Count => ({ count: 0 }),
      evolve: ({ count }, { position }) => ({ count: count + position }),
    });
    const batches: number[] = [];
    await catchUp(together, (event) => {
      if (event.type === "batchHandled") batches.push(event.events);
    });
    expect(batches).toEqual([EVENTS]);
    // One action of each is for the position.
    const documents = transactions().map((units) => (units - 2) / 2);
    expect(Math.max(...documents)).toBeLessThanOrEqual(99);
    expect(documents.reduce((sum, count) => sum + count, 0)).toBe(DOCUMENTS);
    const found: number[] = [];
    for await (const { key, document } of createProjections({ client: clients.log })
      .documents(together)
      .list()) {
      expect(key).toBe(String(document.count));
      found.push(document.count);
    }
    expect(new Set(found).size).toBe(DOCUMENTS);
  });
});

describe("checkpoints beside documents", () => {
  /** A slot to which each batch seems to take so long. */
  const passing = (ms: number) => (event: ProjectionEvent) => {
    if (event.type === "batchHandled") nowMs += ms;
  };

  it("go by time: at 100 events a second 0.02 WCU an event, at 1,000 a tenth", async () => {
    const batch = { maxEvents: 10 };
    await catchUp(counting("slow", 1, { batch }), passing(100));
    expect(moves).toBe(20);
    await catchUp(counting("fast", 1, { batch }), passing(10));
    expect(moves).toBe(2);
    // Batches of 25 at the same speed take no more.
    await catchUp(counting("larger", 1, { batch: { maxEvents: 25 } }), passing(250));
    expect(moves / EVENTS).toBeLessThanOrEqual(0.02);
    expect(moves).toBe(20);
  });

  it("control: an interval that is always over stores one with each batch", async () => {
    await catchUp(
      counting("always", 1, { batch: { maxEvents: 10 } }),
      passing(DEFAULT_CHECKPOINT_INTERVAL_MS),
    );
    expect(moves).toBe(100);
  });
});

describe("at the end of the log", () => {
  it("a look costs 1 request and 0.5 RCU, and nothing else is done", async () => {
    const running = run(counting("idle", 100));
    await running.caughtUp;
    await vi.waitFor(() => expect(moves).toBe(1), { timeout: 30_000 });
    for (const meter of Object.values(meters)) meter.reset();
    await vi.waitFor(() => expect(meters.log.calls.length).toBeGreaterThanOrEqual(5), { timeout: 30_000 });
    for (const look of meters.log.calls)
      expect(look).toMatchObject({ operation: "Query", requests: 1, readUnits: 0.5, writeUnits: 0 });
    expect(operationsOf("documents")).toEqual([]);
    expect(moves).toBe(1);
    await running.stop();
  });
});
