import { type AttributeValue, DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import {
  type Capacity,
  type CapacityMeter,
  controlTable,
  createEventStore,
  createSequencer,
  ensureTables,
  eventsTable,
  itemSize,
  meterCapacity,
  SYSTEM_RUNTIME,
  snapshotAfter,
} from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { createDynamoDBProjectionStorage, defineProjection } from "@tuppence/projections";
import { createProjectionHandler } from "@tuppence/projections/lambda";
import { createQueue } from "@tuppence/queue";
import { createQueueHandler } from "@tuppence/queue/lambda";
import { call, createScheduler } from "@tuppence/scheduler";
import { createBellHandler } from "@tuppence/scheduler/lambda";
import { describe, expect, it } from "vitest";
import { ITEM_OVERHEAD_BYTES, measureSample, type Sample } from "../src/cost/measure-sample.ts";
import { monthlyUse } from "../src/cost/monthly-use.ts";
import {
  createSampleClock,
  sampleDocument,
  sampleEvents,
  sampleFold,
  sampleMessages,
  sampleStream,
} from "../src/cost/sample.ts";
import { DAYS_PER_MONTH } from "../src/cost/table-use.ts";
import { type Workload, workloadOf } from "../src/cost/workload.ts";

/**
 * The calculator agrees with the meter: a small workload is really run, on DynamoDB Local, and what that consumes is what the
 * calculator says, unit by unit.
 */

const server = await startDynamoDBLocal({ log: false });
const clientOf = (database: string): DynamoDBClient => new DynamoDBClient(server.clientConfig(database));
const TABLES = [eventsTable(), controlTable()];

/** One day of a workload in which nothing is gathered, by the names of what is done. */
async function dayOf(
  workload: Workload,
  appends?: number,
): Promise<{
  readonly sample: Sample;
  readonly eventsBytes: number;
  readonly of: (name: string) => Pick<Capacity, "readUnits" | "writeUnits">;
}> {
  const sample = await measureSample(workload, 1, appends);
  const { tables, storedBytes } = monthlyUse({ ...workload, retentionDays: 1 }, sample);
  return {
    sample,
    eventsBytes: storedBytes.events,
    of: (name) => {
      const use = tables.find((each) => each.name === name);
      const daily = (units: number | undefined): number =>
        Math.round(((units ?? 0) / DAYS_PER_MONTH) * 1e6) / 1e6;
      return { readUnits: daily(use?.readUnits), writeUnits: daily(use?.writeUnits) };
    },
  };
}

function consumed(
  meter: CapacityMeter,
  ...operations: readonly string[]
): Pick<Capacity, "readUnits" | "writeUnits"> {
  const calls = meter.calls.filter(({ operation }) => operations.includes(operation));
  return {
    readUnits: calls.reduce((total, { readUnits }) => total + readUnits, 0),
    writeUnits: calls.reduce((total, { writeUnits }) => total + writeUnits, 0),
  };
}

async function scan(client: DynamoDBClient, TableName: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true }))
    items.push(...Items);
  return items;
}

const STREAMS = 3;

/** In the order of the table's stream. */
function byTime(one: Record<string, AttributeValue>, other: Record<string, AttributeValue>): number {
  return (
    Number(one["s"]?.N) - Number(other["s"]?.N) || String(one["p"]?.S).localeCompare(String(other["p"]?.S))
  );
}

describe("a day of appends and loads, and their log", () => {
  it.each<[string, Partial<Workload>]>([
    ["single events, nothing read", { reads: "nothing", eventsPerStream: 10 }],
    ["pairs of events, the stream read", { eventsPerAppend: 2, eventsPerStream: 12, eventBytes: 500 }],
    [
      "five random ones, with an odd end, and the stream",
      { data: "random", eventsPerAppend: 5, eventsPerStream: 33 },
    ],
    ["single events, with snapshots", { reads: "snapshot", eventsPerStream: 10, stateBytes: 400 }],
    ["single events, with large snapshots", { reads: "snapshot", eventsPerStream: 25, stateBytes: 5_000 }],
  ])("of %s", async (name, known) => {
    const eventsPerDay = STREAMS * (known.eventsPerStream ?? 0);
    const workload = workloadOf({ ...known, eventsPerDay, gatherSeconds: 0 });
    const appends = STREAMS * Math.ceil(workload.eventsPerStream / workload.eventsPerAppend);
    const day = await dayOf(workload, appends);
    const client = clientOf(`costmeter${name.replaceAll(/\W/g, "")}`);
    await ensureTables({ client });
    const meter = meterCapacity(client, { tables: TABLES });
    const store = createEventStore({ client, runtime: { now: createSampleClock() } });
    const fold = sampleFold(workload);
    const { eventsPerStream, eventsPerAppend, reads } = workload;
    for (let version = 0; version < eventsPerStream; version += eventsPerAppend) {
      for (let stream = 0; stream < STREAMS; stream++) {
        const streamId = sampleStream(stream);
        const count = Math.min(eventsPerAppend, eventsPerStream - version);
        const events = sampleEvents(workload, stream * eventsPerStream + version, count);
        const loaded = reads === "nothing" ? undefined : await store.load(streamId, fold);
        const snapshot = reads === "snapshot" && loaded ? snapshotAfter(fold, loaded) : undefined;
        await store.append(streamId, events, { expectedVersion: version, snapshot });
      }
    }
    expect(day.of("loads")).toEqual(consumed(meter, "Query"));
    expect(consumed(meter, "PutItem")).toEqual(day.of("appends"));
    expect(consumed(meter, "TransactWriteItems", "UpdateItem").writeUnits).toBe(0);
    // The log, a page for each append.
    const items = (await scan(client, "tuppence-events")).toSorted(byTime);
    const sequencer = createSequencer({ client });
    await sequencer.sequence([]);
    meter.reset();
    for (const item of items) await sequencer.sequence([item]);
    expect(consumed(meter, "PutItem").writeUnits).toBe(day.of("pages of the log").writeUnits);
    const stored = await scan(client, "tuppence-events");
    const bytes = stored.reduce((total, item) => total + itemSize(item) + ITEM_OVERHEAD_BYTES, 0);
    // The entries of the index are not in the table; times and numbers differ by a few digits.
    const entries = STREAMS * (ITEM_OVERHEAD_BYTES + 50);
    expect(Math.abs(day.eventsBytes - bytes - entries) / bytes).toBeLessThan(0.01);
  });

  it("in pages of 25 appends", async () => {
    const EVENTS = 25;
    const workload = workloadOf({
      eventsPerDay: STREAMS * EVENTS,
      eventsPerStream: EVENTS,
      reads: "nothing",
    });
    const sample = await measureSample(workload, 25, STREAMS * EVENTS);
    const client = clientOf("costmeterpages");
    await ensureTables({ client });
    const store = createEventStore({ client, runtime: { now: createSampleClock() } });
    for (let version = 0; version < EVENTS; version++) {
      for (let stream = 0; stream < STREAMS; stream++) {
        const events = sampleEvents(workload, stream * EVENTS + version, 1);
        await store.append(sampleStream(stream), events, { expectedVersion: version });
      }
    }
    const items = (await scan(client, "tuppence-events")).toSorted(byTime);
    const meter = meterCapacity(client, { tables: TABLES });
    const sequencer = createSequencer({ client });
    for (let from = 0; from < items.length; from += 25)
      await sequencer.sequence(items.slice(from, from + 25));
    const found = consumed(meter, "PutItem").writeUnits;
    expect(found).toBe(STREAMS * sample.page(25).writeUnits);
    // Control: events of another size, or pages of another, would not agree.
    const larger = await measureSample({ ...workload, eventBytes: 1_000 }, 25, STREAMS * EVENTS);
    const smaller = await measureSample(workload, 5, STREAMS * EVENTS);
    expect(found).not.toBe(STREAMS * larger.page(25).writeUnits);
    expect(found).not.toBe(5 * STREAMS * smaller.page(5).writeUnits);
  });
});

const CONTEXT = { getRemainingTimeInMillis: () => 60_000 } as Parameters<
  ReturnType<typeof createProjectionHandler>
>[1];
const BY_HAND = { Records: [] };
/** No renewal, however slow this machine is. */
const LEASE = { leaseDurationMs: 600_000 };

/** Looks, of which there are the more the longer an invocation takes. */
const isLook = ({
  operation,
  readUnits,
}: {
  readonly operation: string;
  readonly readUnits: number;
}): boolean => operation === "Query" && readUnits === 1;

it("a day of projections in Lambda", async () => {
  const EVENTS = 3;
  const workload = workloadOf({
    eventsPerDay: EVENTS,
    eventsPerStream: EVENTS,
    documentBytes: 1_500,
    data: "random",
    documents: 1,
    gatherSeconds: 0,
  });
  const day = await dayOf(workload);
  const client = clientOf("costmeterprojections");
  await ensureTables({ client });
  await createDynamoDBProjectionStorage(client, "tuppence").ensureTables();
  const store = createEventStore({ client });
  const sequencer = createSequencer({ client });
  const projection = defineProjection({
    name: "orders",
    version: 1,
    key: () => sampleStream(1),
    initialState: () => sampleDocument(workload) as object,
    evolve: (state) => state,
  });
  const own = clientOf("costmeterprojections");
  const handler = createProjectionHandler({
    client: own,
    store: createEventStore({ client: own }),
    projections: [projection],
    ...LEASE,
  });
  const meter = meterCapacity(own, { tables: TABLES });
  for (let event = 0; event <= EVENTS; event++) {
    await store.append("order|1", sampleEvents(workload, event, 1));
    const streams = (await scan(client, "tuppence-events")).filter(({ p }) => p?.S === "order|1");
    await sequencer.sequence(streams);
    await handler(BY_HAND, CONTEXT);
    // The first one registers it.
    if (event === 0) meter.reset();
  }
  expect(consumed(meter, "PutItem").writeUnits).toBe(day.of("puts of documents").writeUnits);
  expect(consumed(meter, "GetItem").readUnits).toBe(day.of("reads of documents").readUnits);
  const runs = day.of("runs of projections");
  expect(consumed(meter, "UpdateItem", "DeleteItem").writeUnits).toBe(runs.writeUnits);
  const apart = meter.calls.filter((each) => each.operation === "Query" && !isLook(each));
  expect(apart.reduce((total, { readUnits }) => total + readUnits, 0)).toBeLessThanOrEqual(runs.readUnits);
});

it("a day of a queue in Lambda", async () => {
  const CALLS = 3;
  const known = { queueMessagesPerDay: 4 * CALLS, messagesPerCall: 4, messageBytes: 700, gatherSeconds: 0 };
  const workload = workloadOf({ ...known, data: "random" });
  const day = await dayOf(workload);
  const client = clientOf("costmeterqueue");
  await ensureTables({ client });
  const queue = createQueue({ client, name: "letters" });
  await queue.enqueue(sampleMessages(workload, 0));
  const own = clientOf("costmeterqueue");
  const handler = createQueueHandler({
    client: own,
    queue: "letters",
    group: "sent",
    handler: () => undefined,
    ...LEASE,
  });
  await handler(BY_HAND, CONTEXT);
  const enqueued = meterCapacity(client, { tables: TABLES });
  const consumer = meterCapacity(own, { tables: TABLES });
  for (let number = 1; number <= CALLS; number++) {
    await queue.enqueue(sampleMessages(workload, number));
    await handler(BY_HAND, CONTEXT);
  }
  expect(enqueued.total().writeUnits).toBe(day.of("calls that enqueue").writeUnits);
  expect(consumer.total().writeUnits).toBe(
    day.of("acknowledgements").writeUnits + day.of("runs of consumers").writeUnits,
  );
  const apart = consumer.calls.filter((each) => !isLook(each));
  expect(apart.reduce((total, { readUnits }) => total + readUnits, 0)).toBeLessThanOrEqual(
    day.of("reads of the queue").readUnits + day.of("runs of consumers").readUnits,
  );
});

it("a day of schedules, whose doorbells ring ten minutes late", async () => {
  const SCHEDULES = 3;
  const client = clientOf("costmeterschedules");
  let now = Date.UTC(2026, 0, 5, 12);
  const runtime = { ...SYSTEM_RUNTIME, now: () => now };
  const targets = { remind: call(() => undefined) };
  const place = { client, targets, runtime };
  const scheduler = createScheduler({ ...place, shards: 1 });
  await scheduler.ensureTables();
  await scheduler.schedule({ in: "10d", target: "remind" });
  const handler = createBellHandler(place);
  const meter = meterCapacity(client);
  const day = await dayOf(workloadOf({ schedulesPerDay: SCHEDULES, gatherSeconds: 0 }));
  for (let number = 0; number < SCHEDULES; number++) {
    await scheduler.schedule({ in: "1h", target: "remind", payload: number });
    const rungAt = Math.floor(now / 60_000) * 60 + 3_660;
    now += 70 * 60_000;
    const key = { p: { S: `BELL|0|${String(rungAt / 60 - 1).padStart(10, "0")}` }, s: { S: "bell" } };
    const OldImage = { ...key, ttl: { N: String(rungAt) } };
    const record = {
      eventID: String(number),
      eventName: "REMOVE" as const,
      eventSource: "aws:dynamodb",
      userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
      dynamodb: { Keys: key, OldImage, SequenceNumber: "1", ApproximateCreationDateTime: now / 1_000 },
    };
    expect(await handler({ Records: [record] }, CONTEXT)).toEqual({ batchItemFailures: [] });
  }
  const found = meter.total();
  const [schedules, minutes] = [day.of("schedules, to their end"), day.of("minutes of schedules")];
  // By chance two of a day could be in one minute: that is counted with, and does not happen here.
  expect(schedules.writeUnits + minutes.writeUnits).toBeCloseTo(found.writeUnits, 1);
  expect(minutes.readUnits).toBeCloseTo(found.readUnits, 1);
});
