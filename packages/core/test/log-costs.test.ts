import { beforeAll, describe, expect, it } from "vitest";
import type { Item } from "../src/capacity/item-size.ts";
import { collect } from "../src/contract/fixtures.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import {
  createEventStore,
  createSequencer,
  eventsTable,
  meterCapacity,
  type NewEvent,
} from "../src/index.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { seededRandom } from "./history.ts";
import { createMemoryStorage } from "../src/memory/memory-storage.ts";
import { connect } from "./test-database.ts";

/** Requests and capacity units of the global log, exactly, as a meter on the client sees them. */

const client = connect("logcosts");
const meter = meterCapacity(client, { tables: [eventsTable()] });

/** Shaped as the log of a town's building permits is: each event repeats what is known of its case. */
function permits(count: number): { readonly streamId: string; readonly event: NewEvent }[] {
  const random = seededRandom(1);
  const any = (below: number): number => Math.floor(random() * below);
  const time = (day: number): string =>
    new Date(Date.UTC(2011, 9, 1 + day) + any(86_400_000)).toISOString().slice(0, -1).replace("T", " ");
  const cases = Array.from({ length: Math.ceil(count / 6) }, (_, number) => ({
    "case:channel": ["Internet", "Desk", "Post", "e-mail"][any(4)],
    "case:concept:name": `case-${10_000 + number}`,
    "case:deadline": time(60 + (number % 90)),
    "case:department": ["General", "Customer contact", "Experts"][any(3)],
    "case:enddate": any(2) === 0 ? "" : time(40),
    "case:enddate_planned": time(61),
    "case:group": `Group ${1 + any(12)}`,
    "case:responsible": `Resource${String(any(48)).padStart(2, "0")}`,
    "case:startdate": time(number % 90),
  }));
  return Array.from({ length: count }, (_, number) => {
    // A few cases are under way at a time.
    const of = cases[Math.min(cases.length - 1, Math.max(0, Math.floor(number / 6) - any(6)))];
    const step = any(5);
    const type = `T${String(step).padStart(2, "0")} ${STEPS[step % STEPS.length]}`;
    const data = {
      ...of,
      "concept:instance": `task-${42_933 + number + any(20)}`,
      "concept:name": type,
      "lifecycle:transition": "complete",
      "org:group": `Group ${1 + (step % 5)}`,
      "org:resource": any(3) === 0 ? `Resource${String(any(48)).padStart(2, "0")}` : of?.["case:responsible"],
      "time:timestamp": time(number / 95),
    };
    return { streamId: `permit|${of?.["case:concept:name"]}`, event: { type, data } };
  });
}

const STEPS = [
  "Check confirmation of receipt",
  "Determine confirmation of receipt",
  "Print and send confirmation of receipt",
  "Determine necessity of stop advice",
  "Determine necessity to stop indication",
];

const PAGES = 20;
const EVENTS_OF_A_PAGE = 128;

const EVENTS = permits(PAGES * EVENTS_OF_A_PAGE);
/** What the table's stream has of them: whole and in order, so that the table itself is not asked. */
const records: Item[] = [];

beforeAll(async () => {
  await createEventStore({ client }).ensureTables();
  const memory = createMemoryStorage();
  const putNew = async (item: Item, signal: AbortSignal | undefined) => {
    records.push(item);
    return memory.putNew(item, signal);
  };
  const store = createChainEventStore({ storage: { ...memory, putNew } });
  for (const { streamId, event } of EVENTS) await store.append(streamId, [event]);
});

it("the events measured with have about 530 bytes", () => {
  const bytes = EVENTS.reduce((total, { event }) => total + JSON.stringify(event.data).length, 0);
  expect(bytes / EVENTS.length).toBeGreaterThan(515);
  expect(bytes / EVENTS.length).toBeLessThan(540);
});

describe("the log", () => {
  const sequencer = createSequencer({ client });
  let units = 0;

  it(`costs at most 0.05 WCU an event in pages of ${EVENTS_OF_A_PAGE}, and 1 request for a page`, async () => {
    expect(records).toHaveLength(PAGES * EVENTS_OF_A_PAGE);
    for (let page = 0; page < PAGES; page++) {
      const batch = records.slice(page * EVENTS_OF_A_PAGE, (page + 1) * EVENTS_OF_A_PAGE);
      meter.reset();
      const { capacity, appended } = await sequencer.sequence(batch);
      expect(appended).toBe(EVENTS_OF_A_PAGE);
      expect(capacity).toEqual(meter.total());
      // Cold, it looks at the log; it is new, and empty.
      expect(meter.calls.map(({ operation }) => operation)).toEqual(
        page === 0 ? ["Query", "PutItem"] : ["PutItem"],
      );
      units += capacity.writeUnits;
    }
    expect(units / records.length).toBeLessThanOrEqual(0.05);
  });

  it("delivered again costs nothing when warm; cold, the pages of ten minutes are read back", async () => {
    meter.reset();
    await sequencer.sequence(records);
    expect(meter.total()).toEqual({ requests: 0, readUnits: 0, writeUnits: 0 });
    const { capacity } = await createSequencer({ client }).sequence(records.slice(-1));
    expect(capacity).toEqual(meter.total());
    // All of them: 4 pages, then 16.
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["Query", "Query"]);
    // The pages have a little less than the units they cost.
    expect(capacity.readUnits).toBeGreaterThan((units - PAGES) / 4);
    expect(capacity.readUnits).toBeLessThan(units / 4 + 2);
  });

  it("costs at most 0.006 RCU an event to read", async () => {
    meter.reset();
    expect(await collect(createEventStore({ client }).readAll())).toHaveLength(records.length);
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["Query"]);
    const { readUnits } = meter.total();
    expect(readUnits / records.length).toBeLessThanOrEqual(0.006);
    meter.reset();
    await collect(createEventStore({ client }).readAll({ consistency: "strong" }));
    expect(meter.total().readUnits).toBe(2 * readUnits);
  });

  it("a look at its end costs 1 request and 0.5 RCU", async () => {
    const stop = new AbortController();
    let looks = 0;
    const sleep = async () => {
      if (++looks === 4) stop.abort();
      else meter.reset();
    };
    const store = createEventStore({ client, runtime: { sleep } });
    const options = { fromPosition: records.length + 1, signal: stop.signal };
    for await (const { events } of store.subscribeAll(options)) expect(events).toEqual([]);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0.5, writeUnits: 0 });
  });

  it("waiting for an event that is there: 2 requests", async () => {
    const last = records.at(-1) as Item;
    await createDynamoDBChainStorage(client, "tuppence").putNew(last, undefined);
    meter.reset();
    await createEventStore({ client }).waitFor(String(last["p"]?.S), Number(last["s"]?.N));
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["Query", "Query"]);
  });
});
