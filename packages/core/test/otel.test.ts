import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { beforeAll, describe, expect, it } from "vitest";
import { collect, counted } from "../src/contract/fixtures.ts";
import {
  createCommandHandler,
  createEventStore,
  eventsTable,
  meterCapacity,
  type NewEvent,
  NoEventsError,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { createOtelObserver, linksFrom, traceMetadata } from "../src/otel/index.ts";
import { injectFaults } from "./faults.ts";
import { openTelemetry } from "./telemetry.ts";
import { connect } from "./test-database.ts";

const client = connect("otel");
const meter = meterCapacity(client, { tables: [eventsTable()] });
const rival = createEventStore({ client: connect("otel") });

beforeAll(() => rival.ensureTables());

const event: NewEvent = { type: "Counted", data: 1 };
const counting = { initialState: () => 0, evolve: (count: number) => count + 1 };

function open() {
  const telemetry = openTelemetry();
  const observer = createOtelObserver(telemetry);
  const store = createEventStore({ client, observer });
  meter.reset();
  return { telemetry, observer, store };
}

/** What spans say was consumed. */
const units = (attributes: Readonly<Record<string, unknown>>) => ({
  requests: attributes["tuppence.requests"],
  readUnits: attributes["tuppence.read_units"],
  writeUnits: attributes["tuppence.write_units"],
});

describe("a command with one conflict", () => {
  it("is one trace: load, decide, the append that lost, decide, append", async () => {
    const { telemetry, observer, store } = open();
    await rival.append("account|1", [event]);
    let decisions = 0;
    const decider = {
      ...counting,
      async decide() {
        decisions += 1;
        if (decisions === 1) await rival.append("account|1", [event, event]);
        return event;
      },
    };
    await createCommandHandler({ store, decider, observer })("account|1", null);

    const leaf = (name: string, outcome = "ok") => ({ name: `tuppence.${name}`, outcome, children: [] });
    expect(telemetry.trees()).toEqual([
      {
        name: "tuppence.handle",
        outcome: "ok",
        children: [leaf("load"), leaf("decide"), leaf("append", "conflict"), leaf("decide"), leaf("append")],
      },
    ]);
    const handle = telemetry.span("tuppence.handle");
    expect(handle.kind).toBe(SpanKind.INTERNAL);
    expect(handle.status.code).toBe(SpanStatusCode.UNSET);
    expect(handle.attributes).toEqual({
      "tuppence.operation": "handle",
      "tuppence.stream_id": "account|1",
      "tuppence.category": "account",
      "tuppence.outcome": "ok",
      "tuppence.requests": 3,
      "tuppence.read_units": 1,
      "tuppence.write_units": 2,
      "tuppence.events": 1,
      "tuppence.version": 4,
      "tuppence.duplicate": false,
      "tuppence.attempts": 2,
    });
    expect(units(handle.attributes)).toEqual(meter.total());
    expect(handle.events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: "tuppence.conflict",
        attributes: {
          "tuppence.attempt": 1,
          "tuppence.expected_version": "1",
          "tuppence.actual_version": 3,
        },
      },
    ]);
    const lost = telemetry.spans().find((span) => span.attributes["tuppence.outcome"] === "conflict");
    expect(lost?.status.code).toBe(SpanStatusCode.UNSET);
    expect(lost?.attributes).toMatchObject({
      "tuppence.expected_version": "1",
      "tuppence.actual_version": 3,
      "tuppence.write_units": 1,
    });
    expect(lost?.attributes).not.toHaveProperty("error.type");
  });

  it("counts each unit once: by the store's operations, not again by the command", async () => {
    const { telemetry, observer, store } = open();
    const handle = createCommandHandler({ store, decider: { ...counting, decide: () => event }, observer });
    await handle("metered|1", null);
    await handle("metered|2", null);
    const of = (operation: string) =>
      JSON.stringify({ "tuppence.operation": operation, "tuppence.category": "metered" });
    const metrics = await telemetry.metrics();
    expect(meter.total()).toEqual({ requests: 4, readUnits: 2, writeUnits: 4 });
    expect(metrics).toMatchObject({
      "tuppence.requests": { [of("load")]: 2, [of("append")]: 2 },
      "tuppence.read_units": { [of("load")]: 2 },
      "tuppence.write_units": { [of("append")]: 4 },
      "tuppence.events.appended": { [of("append")]: 2 },
      "tuppence.command.attempts": { [JSON.stringify({ "tuppence.category": "metered" })]: 2 },
    });
    const durations = Object.keys(metrics["tuppence.operation.duration"] ?? {});
    expect(durations).toHaveLength(4);
    expect(durations.join()).not.toContain("metered|1");
  });
});

describe("spans of the store", () => {
  it("a read's begins with the first step and ends with the loop, with all events and units", async () => {
    const { telemetry, store } = open();
    await rival.append("read|1", counted(1, 3));
    const events = store.read("read|1");
    expect(await collect(events)).toHaveLength(3);
    const { attributes } = telemetry.span("tuppence.read");
    expect(attributes).toMatchObject({ "tuppence.events": 3, "tuppence.outcome": "ok" });
    expect(units(attributes)).toEqual(meter.total());
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });

  it("a read that is left ends there; one that is not begun has none", async () => {
    const { telemetry, store } = open();
    await rival.append("read|2", counted(1, 3));
    const unused = store.read("read|2");
    expect(unused[Symbol.asyncIterator]).toBeTypeOf("function");
    for await (const { version } of store.read("read|2")) {
      expect(telemetry.spans()).toEqual([]);
      if (version === 2) break;
    }
    const { attributes } = telemetry.span("tuppence.read");
    expect(attributes).toMatchObject({ "tuppence.events": 2, "tuppence.outcome": "left" });
    expect(units(attributes)).toEqual(meter.total());
  });

  it("listing, exporting and importing have the units that DynamoDB counts", async () => {
    const { telemetry, store } = open();
    await rival.append("list|1", counted(1, 2));
    await rival.append("list|2", counted(1));
    expect(await collect(store.listStreams("list"))).toEqual(["list|1", "list|2"]);
    expect(units(telemetry.span("tuppence.listStreams").attributes)).toEqual(meter.total());
    meter.reset();
    const commits = await collect(store.exportCommits({ category: "list" }));
    const exported = telemetry.span("tuppence.exportCommits").attributes;
    expect(exported).toMatchObject({ "tuppence.commits": 2, "tuppence.category": "list" });
    expect(units(exported)).toEqual(meter.total());
    meter.reset();
    const moved = commits.map((commit) => ({ ...commit, streamId: `moved-${commit.streamId}` }));
    await store.importCommits(moved);
    const imported = telemetry.span("tuppence.importCommits").attributes;
    expect(imported).toMatchObject({ "tuppence.commits": 2, "tuppence.events": 3 });
    expect(units(imported)).toEqual(meter.total());
    meter.reset();
    await store.streamExists("list|3");
    expect(units(telemetry.span("tuppence.streamExists").attributes)).toEqual(meter.total());
  });

  it("an append whose reply was lost says how often it was sent again", async () => {
    const telemetry = openTelemetry();
    const broken = connect("otel");
    let puts = 0;
    injectFaults(broken, "outside the SDK's retries", (operation) =>
      operation === "PutItem" && ++puts <= 2 ? "lost after" : "pass",
    );
    const store = createEventStore({ client: broken, observer: createOtelObserver(telemetry) });
    await store.append("resent|1", [event], { expectedVersion: "noStream" });
    const { attributes } = telemetry.span("tuppence.append");
    expect(attributes).toMatchObject({ "tuppence.resends": 2, "tuppence.requests": 3 });
    expect(Object.values((await telemetry.metrics())["tuppence.resends"] ?? {})).toEqual([2]);
  });

  it("an append to any version says how many races it lost", async () => {
    const { telemetry, store } = open();
    await store.append("race|1", [event]);
    await rival.append("race|1", [event]);
    await store.append("race|1", [event]);
    expect(telemetry.spans().map((span) => span.attributes["tuppence.lost_races"])).toEqual([undefined, 1]);
  });

  it("a transaction has the units that DynamoDB counts, its streams and events; a conflict is no failure", async () => {
    const { telemetry, store } = open();
    const writes = ["transact|1", "transact|2"].map((streamId) => ({
      streamId,
      events: [event],
      expectedVersion: 0,
    }));
    await store.transact(writes);
    const { attributes } = telemetry.span("tuppence.transact");
    expect(units(attributes)).toEqual(meter.total());
    expect(attributes).toMatchObject({
      "tuppence.events": 2,
      "tuppence.streams": 2,
      "tuppence.outcome": "ok",
    });
    await store.transact(writes).catch(() => undefined);
    const refused = telemetry.spans().at(-1);
    expect(refused?.attributes["tuppence.outcome"]).toBe("conflict");
    expect(refused?.status.code).toBe(SpanStatusCode.UNSET);
    const metrics = await telemetry.metrics();
    expect(Object.values(metrics["tuppence.events.appended"] ?? {})).toEqual([2]);
    expect(Object.values(metrics["tuppence.conflicts"] ?? {})).toEqual([1]);
  });

  it("a write with an append that is refused by its own condition is no failure", async () => {
    const { telemetry, store } = open();
    const Item = { p: { S: "refused" }, s: { N: "1" } };
    const also = [
      { Put: { TableName: "tuppence-events", Item, ConditionExpression: "attribute_exists(p)" } },
    ];
    await store.append("refused|1", [event], { also }).catch(() => undefined);
    const { attributes, status } = telemetry.span("tuppence.append");
    expect(attributes).toMatchObject({ "tuppence.outcome": "conflict" });
    expect(status.code).toBe(SpanStatusCode.UNSET);
  });

  it("appends that share a put are each in the trace of its own caller, the put in that of the first", async () => {
    const { telemetry, store } = open();
    const tracer = telemetry.tracerProvider.getTracer("test");
    const sent: (string | undefined)[] = [];
    client.middlewareStack.add(
      (next) => (args) => {
        sent.push(trace.getSpanContext(context.active())?.spanId);
        return next(args);
      },
      { step: "initialize", name: "sender" },
    );
    const callers = await Promise.all(
      Array.from({ length: 3 }, () =>
        tracer.startActiveSpan("caller", async (caller) => {
          await store.append("group|1", [event]);
          caller.end();
          return caller.spanContext().spanId;
        }),
      ),
    );
    client.middlewareStack.remove("sender");
    const appends = telemetry.spans().filter((span) => span.name === "tuppence.append");
    const [first, second, third] = callers.map((caller) =>
      appends.find((span) => span.parentSpanContext?.spanId === caller),
    );
    // The tail is read and the first is put; the other two wait and go together.
    expect(sent).toEqual([first, first, second].map((span) => span?.spanContext().spanId));
    expect(third?.attributes["tuppence.requests"]).toBe(0);
    const total = [first, second, third].reduce(
      (sum, span) => sum + Number(span?.attributes["tuppence.write_units"]),
      0,
    );
    expect(total).toBe(meter.total().writeUnits);
  });
});

it("without an observer nothing is written", async () => {
  const { telemetry } = open();
  const store = createEventStore({ client });
  await createCommandHandler({ store, decider: { ...counting, decide: () => event } })("plain|1", null);
  expect(await collect(store.read("plain|1"))).toHaveLength(1);
  expect(telemetry.spans()).toEqual([]);
  expect(await telemetry.metrics()).toEqual({});
});

describe("failures", () => {
  it("an error of ours is a failed span with its code; its category counts, unless the name was refused", async () => {
    const { telemetry, store } = open();
    await expect(store.append("fails|1", [])).rejects.toMatchObject({ code: "noEvents" });
    await expect(store.load("$made-up", counting)).rejects.toMatchObject({ code: "invalidStreamId" });
    const { status, attributes } = telemetry.span("tuppence.append");
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(status.message).toContain("fails|1");
    expect(attributes).toMatchObject({ "tuppence.outcome": "error", "error.type": "noEvents" });
    const { "tuppence.operation.duration": durations } = await telemetry.metrics();
    expect(durations).toEqual({
      '{"tuppence.operation":"append","tuppence.category":"fails","tuppence.outcome":"error","error.type":"noEvents"}': 1,
      '{"tuppence.operation":"load","tuppence.outcome":"error","error.type":"invalidStreamId"}': 1,
    });
  });

  it("a read that fails ends its span with the error", async () => {
    const { telemetry } = open();
    const other = createEventStore({
      client,
      tablePrefix: "missing",
      observer: createOtelObserver(telemetry),
    });
    await expect(collect(other.read("a|1"))).rejects.toMatchObject({ code: "tableMissing" });
    expect(telemetry.span("tuppence.read").attributes).toMatchObject({ "error.type": "tableMissing" });
  });

  it("what a decider refuses is rejected, and no failure; a mistake in it is one", async () => {
    for (const [thrown, isRejection, kind] of [
      [new Error("not enough money"), undefined, "rejected"],
      [new TypeError("undefined is not a function"), undefined, "error"],
      [new NoEventsError("other|1"), undefined, "error"],
      [new Error("no connection"), () => false, "error"],
    ] as const) {
      const telemetry = openTelemetry();
      const observer = createOtelObserver({ ...telemetry, isRejection });
      const store = createMemoryEventStore({ observer });
      const decide = (): NewEvent => {
        throw thrown;
      };
      const handle = createCommandHandler({ store, decider: { ...counting, decide }, observer });
      await expect(handle("account|1", null)).rejects.toBe(thrown);
      for (const name of ["tuppence.decide", "tuppence.handle"]) {
        const { status, attributes } = telemetry.span(name);
        expect(attributes["tuppence.outcome"]).toBe(kind);
        expect(status.code).toBe(kind === "error" ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
        expect(attributes[kind === "error" ? "error.type" : "tuppence.rejection"]).toBe(
          thrown instanceof NoEventsError ? thrown.code : thrown.name,
        );
      }
    }
  });

  it("a conflict that a command gives up on is a failure; one with its caller's version is an answer", async () => {
    const storage = createMemoryStorage();
    const telemetry = openTelemetry();
    const observer = createOtelObserver(telemetry);
    const faster = createMemoryEventStore({ storage });
    const decide = async () => {
      await faster.append("hot|1", [event]);
      return event;
    };
    const store = createMemoryEventStore({ storage, observer });
    const runtime = { random: Math.random, sleep: async () => undefined };
    const decider = { ...counting, decide };
    const handle = createCommandHandler({ store, decider, observer, maxAttempts: 3, runtime });
    await expect(handle("hot|1", null)).rejects.toMatchObject({ code: "versionConflict" });
    const { attributes, events, status } = telemetry.span("tuppence.handle");
    expect(attributes).toMatchObject({
      "tuppence.outcome": "error",
      "error.type": "versionConflict",
      "tuppence.attempts": 3,
    });
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(events).toHaveLength(2);
    const parts = telemetry.spans().filter((span) => /load|append/.test(span.name));
    const sum = (name: string) => parts.reduce((total, span) => total + Number(span.attributes[name]), 0);
    for (const name of ["tuppence.requests", "tuppence.write_units", "tuppence.read_units"]) {
      expect(attributes[name]).toBe(sum(name));
    }
    await expect(handle("hot|1", null, { expectedVersion: 1 })).rejects.toMatchObject({ actual: 3 });
    const answered = telemetry.spans().at(-1);
    expect(answered?.attributes).toMatchObject({ "tuppence.outcome": "conflict" });
    expect(answered?.status.code).toBe(SpanStatusCode.UNSET);
  });
});

describe("trace context in metadata", () => {
  it("leads from an event to the span that it was appended in", async () => {
    const { tracerProvider } = openTelemetry();
    const store = createMemoryEventStore();
    const producer = await tracerProvider.getTracer("test").startActiveSpan("producer", async (span) => {
      await store.append("traced|1", [event], { metadata: { correlationId: "r1", ...traceMetadata() } });
      span.end();
      return span.spanContext();
    });
    const [stored] = await collect(store.read("traced|1"));
    expect(stored?.metadata["traceparent"]).toBe(`00-${producer.traceId}-${producer.spanId}-01`);
    const [link, ...more] = linksFrom(stored?.metadata ?? {});
    expect(more).toEqual([]);
    expect(link?.context).toEqual({
      traceId: producer.traceId,
      spanId: producer.spanId,
      traceFlags: 1,
      isRemote: true,
    });
  });

  it("keeps the trace state, and is empty outside of a trace", () => {
    openTelemetry();
    expect(traceMetadata()).toEqual({});
    const metadata = {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
      tracestate: "vendor=1",
    };
    const [link] = linksFrom(metadata);
    const spanContext = link?.context;
    if (spanContext === undefined) throw new Error("There is no link.");
    expect(context.with(trace.setSpanContext(context.active(), spanContext), traceMetadata)).toEqual(
      metadata,
    );
  });

  it.each([
    undefined,
    5,
    "",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ])("takes no link from traceparent %s", (traceparent) => {
    expect(linksFrom(traceparent === undefined ? {} : { traceparent })).toEqual([]);
  });
});
