import { metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { afterEach, describe, expect, it } from "vitest";
import {
  createMemoryProjectionStorage,
  createProjections,
  createProjectionWorker,
  defineProjection,
  NonRetryableError,
  type Projection,
  type ProjectionEvent,
} from "../src/index.ts";
import { createProjectionMetrics } from "../src/otel/index.ts";

/** OpenTelemetry's own SDK, keeping what it is given in memory. */
function openMeter() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9 })],
  });
  /** The values (of histograms, counts and sums) by metric and attributes, without the prefixes that all have. */
  const values = async (): Promise<Record<string, unknown>> => {
    exporter.reset();
    await meterProvider.forceFlush();
    const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    expect(all.map(({ scope }) => scope.name)).toEqual(all.map(() => "@tuppence/projections"));
    const points = all.flatMap(({ metrics: each }) => each);
    return Object.fromEntries(
      points.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => {
          const of = Object.entries(attributes).map(([name, text]) => `${name}=${String(text)}`);
          return [
            `${descriptor.name} ${of.join(" ")}`.replaceAll("tuppence.projection.", ""),
            typeof value === "number" ? value : [value.count, value.sum],
          ];
        }),
      ),
    );
  };
  return { meterProvider, values };
}

const counts = defineProjection({
  name: "counts",
  version: 1,
  types: ["Counted"],
  key: ({ streamId }) => streamId,
  initialState: () => 0,
  evolve: (count) => count + 1,
});

const counted = { type: "Counted", data: {} };

async function run(projection: Projection, options: Parameters<typeof createProjectionMetrics>[0]) {
  const store = createMemoryEventStore();
  const storage = createMemoryProjectionStorage();
  const record = createProjectionMetrics(options);
  const events: ProjectionEvent[] = [];
  const worker = createProjectionWorker({
    store,
    storage,
    projections: [projection],
    leaseDurationMs: 1_000,
    pollIntervalMs: 5,
    checkpointIntervalMs: 10,
    onEvent(event) {
      events.push(event);
      record(event);
    },
  });
  const has = (type: ProjectionEvent["type"], count = 1) =>
    expect.poll(() => events.filter((event) => event.type === type).length, { timeout: 30_000 }).toBe(count);
  return { store, storage, worker, events, has };
}

afterEach(() => metrics.disable());

describe("metrics of projections", () => {
  it("count what a projection handles, and tell where its slots are while they run", async () => {
    const { meterProvider, values } = openMeter();
    const { store, worker, has } = await run(counts, { meterProvider });
    await store.append("a|1", [counted, { type: "Other", data: {} }, counted]);
    worker.start();
    await has("batchHandled");
    await has("caughtUp");
    const seen = await values();
    expect(seen).toMatchObject({
      "events name=counts build=1": 2,
      "positions name=counts build=1": 3,
      "batch.duration name=counts build=1": [1, expect.any(Number)],
      "lag name=counts build=1": [1, expect.any(Number)],
      "position name=counts build=1 slot=0": 3,
    });
    expect(Object.keys(seen)).toHaveLength(5);
    await store.append("a|1", [counted]);
    await has("batchHandled", 2);
    expect(await values()).toMatchObject({
      "events name=counts build=1": 3,
      "positions name=counts build=1": 4,
      "position name=counts build=1 slot=0": 4,
    });
    await worker.stop();
  });

  it("count what is tried again, parked and replayed", async () => {
    const { meterProvider, values } = openMeter();
    let failures = 1;
    let isBroken = true;
    const projection = defineProjection({
      name: "reactions",
      version: 1,
      react({ type }) {
        if (failures-- > 0) throw new RangeError("not yet");
        if (type === "Broken" && isBroken) throw new NonRetryableError("broken");
      },
    });
    const { store, storage, worker, has } = await run(projection, { meterProvider });
    await store.append("a|1", [counted, { type: "Broken", data: {} }, counted, counted]);
    worker.start();
    await has("parked", 3);
    await has("caughtUp");
    expect(await values()).toMatchObject({
      "retries name=reactions build=1 error.type=RangeError": 1,
      "parked name=reactions build=1 reason=failed": 1,
      "parked name=reactions build=1 reason=behind": 2,
    });
    isBroken = false;
    const projections = createProjections({ store, storage });
    await projections.replay("reactions", { streamId: "a|1" });
    await has("replayed", 3);
    expect(await values()).toMatchObject({ "replayed name=reactions build=1 skipped=false": 3 });
    await worker.stop();
  });

  it("tell of slots that stand still, until they go on", async () => {
    const { meterProvider, values } = openMeter();
    let isBroken = true;
    const projection = defineProjection({
      name: "strict",
      version: 1,
      onFailure: "halt",
      react({ type }) {
        if (type === "Broken" && isBroken) throw new NonRetryableError("broken");
      },
    });
    const { store, worker, events, has } = await run(projection, { meterProvider });
    await store.append("a|1", [counted, { type: "Broken", data: {} }]);
    worker.start();
    await has("halted");
    expect(await values()).toMatchObject({
      "halts name=strict build=1 error.type=nonRetryable": 1,
      "halted name=strict build=1": 1,
    });
    isBroken = false;
    await has("caughtUp");
    // It was not at the end as long as it stood still.
    expect(events.flatMap((event) => (event.type === "caughtUp" ? [event.position] : []))).toEqual([2]);
    expect(await values()).toMatchObject({
      "halted name=strict build=1": 0,
      "position name=strict build=1 slot=0": 2,
    });
    await worker.stop();
  });

  it("tell of slots that stand still here only while they run here", async () => {
    const { meterProvider, values } = openMeter();
    const record = createProjectionMetrics({ meterProvider });
    const slot = (number: number) => ({ projection: "p", build: 2, slot: number, position: 7 });
    const halt = { type: "halted", error: 0, pauseMs: 1 } as const;
    const seen: unknown[] = [];
    for (const event of [
      { ...halt, ...slot(0) },
      { ...halt, ...slot(0) },
      { ...halt, ...slot(1) },
      { type: "slotStopped", ...slot(0) },
      { type: "slotStarted", ...slot(0) },
      { type: "caughtUp", ...slot(1) },
    ] as const) {
      record(event);
      seen.push((await values())["halted name=p build=2"]);
    }
    expect(seen).toEqual([1, 1, 2, 1, 1, 0]);
  });

  it("count what was left out, and what keeps projections from running", async () => {
    const { meterProvider, values } = openMeter();
    const record = createProjectionMetrics({ meterProvider });
    const slot = { projection: "p", build: 2, slot: 0 };
    record({ type: "skipped", ...slot, position: 1, error: "text" });
    record({ type: "registrationFailed", projection: "p", error: new TypeError("no") });
    const lease = { resource: "p@2#0", epoch: 1 };
    record({ type: "lease", event: { type: "runFailed", ...lease, error: new Error("no"), pauseMs: 1 } });
    record({ type: "lease", event: { type: "acquired", ...lease } });
    record({ type: "flipped", projection: "p", build: 2 });
    expect(await values()).toEqual({
      "skipped name=p build=2 error.type=_OTHER": 1,
      "failures name=p failure=registrationFailed error.type=TypeError": 1,
      "failures failure=runFailed error.type=Error": 1,
    });
  });

  it("go to the provider that is global when the first event comes; with none, nowhere", async () => {
    const { meterProvider, values } = openMeter();
    const early = createProjectionMetrics();
    const event = { type: "skipped", projection: "p", build: 1, slot: 0, position: 1, error: 0 } as const;
    createProjectionMetrics()(event);
    metrics.setGlobalMeterProvider(meterProvider);
    early(event);
    expect(await values()).toEqual({ "skipped name=p build=1 error.type=_OTHER": 1 });
  });
});
