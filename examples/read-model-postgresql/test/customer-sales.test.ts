import { PGlite } from "@electric-sql/pglite";
import { type LoggedEvent, type RecordedEventOf } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import type { BatchContext } from "@tuppence/projections";
import { runProjections } from "@tuppence/projections/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CustomerSales, defineCustomerSales, topCustomers } from "../src/customer-sales.ts";
import type { Database, Queries } from "../src/database.ts";
import { loadPosition, movePosition, PositionTakenError } from "../src/positions.ts";
import { shopEvents } from "../src/shop-events.ts";

type ShopEvent = LoggedEvent<RecordedEventOf<typeof shopEvents>>;

/** Compiling PostgreSQL takes seconds of a core, and others have it, too. */
const BOOT_TIMEOUT_MS = 180_000;

let db: PGlite;
let builds = 1_000;

beforeAll(async () => {
  db = await PGlite.create();
}, BOOT_TIMEOUT_MS);
afterAll(() => db.close());

const customerOf = (order: number): string => ["Ada", "Grace", "Edsger"][order % 3] ?? "";

/** The log: orders of three customers, some of them cancelled, and what no sales follow from. */
async function loggedEvents(): Promise<readonly ShopEvent[]> {
  const store = createMemoryEventStore({ events: shopEvents });
  for (let order = 1; order <= 8; order++) {
    const data = { customer: customerOf(order), cents: order * 100 };
    await store.append(`order|${order}`, [{ type: "OrderPlaced", data }]);
    await store.append(`order|${order}`, [{ type: "OrderShipped", data: { parcel: `p-${order}` } }]);
    if (order % 4 === 0) await store.append(`order|${order}`, [{ type: "OrderCancelled", data }]);
  }
  return collect(store.readAll());
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What the table has to say of events, each counted once. */
function salesOf(events: readonly ShopEvent[]): readonly CustomerSales[] {
  const sales = new Map<string, CustomerSales>();
  for (const { type, data } of events) {
    if (type === "OrderShipped") continue;
    const sign = type === "OrderPlaced" ? 1 : -1;
    const { orders, cents } = sales.get(data.customer) ?? { orders: 0, cents: 0 };
    const { customer } = data;
    sales.set(customer, { customer, orders: orders + sign, cents: cents + sign * data.cents });
  }
  return [...sales.values()].toSorted(
    (one, other) => other.cents - one.cents || (one.customer < other.customer ? -1 : 1),
  );
}

/** A build of its own, and a process that hands it batches. */
async function prepared({
  database = db,
  move = movePosition,
}: {
  readonly database?: Database;
  readonly move?: typeof movePosition;
} = {}) {
  const projection = defineCustomerSales(database, move);
  const build = ++builds;
  const { signal } = new AbortController();
  const context = { name: projection.name, version: 1, build, signal };
  await defineCustomerSales(db).prepare?.(context);
  const events = await loggedEvents();
  return {
    build,
    context,
    events,
    projection,
    position: () => loadPosition(db, { name: projection.name, build, slot: 0 }),
    sales: () => topCustomers(db, build),
    /** As the slot's runner does: what it does not handle is passed over, and no batch is empty. */
    handle: async (after: number, upTo: number): Promise<void> => {
      const isIn = ({ position, type }: ShopEvent): boolean =>
        position > after && position <= upTo && (projection.types?.includes(type) ?? true);
      const step: BatchContext = { ...context, slot: 0, after, upTo, isLive: true, attempt: 1 };
      if (events.some(isIn)) await projection.handle(events.filter(isIn), step);
    },
  };
}

describe("the position in the transaction", () => {
  it("refuses a batch that comes again, and one whose other end is further", async () => {
    const { handle, events, sales, position } = await prepared();
    await handle(0, 6);
    expect(await sales()).toEqual(salesOf(events.slice(0, 6)));
    await expect(handle(0, 6)).rejects.toThrow(PositionTakenError);
    await expect(handle(0, 4)).rejects.toThrow(PositionTakenError);
    await expect(handle(0, 9)).rejects.toThrow(PositionTakenError);
    expect([await sales(), await position()]).toEqual([salesOf(events.slice(0, 6)), 6]);
  });

  it("goes on behind what was passed over without a word", async () => {
    const { handle, events, sales } = await prepared();
    await handle(0, 1);
    // Position 2 is an OrderShipped: a slot that saw nothing else there says that it is done.
    await handle(2, 6);
    expect(await sales()).toEqual(salesOf(events.slice(0, 6)));
  });

  it("keeps a zombie out, which wakes up with a batch of its own", async () => {
    const { handle, events, sales } = await prepared();
    await handle(0, 3);
    // The owner that took over goes from 3 on in other steps than the zombie, which is about to do 4 to 9.
    await handle(3, 7);
    await expect(handle(3, 9)).rejects.toThrow("is behind position 3 by now");
    await handle(7, events.length);
    await expect(handle(3, events.length)).rejects.toThrow(PositionTakenError);
    expect(await sales()).toEqual(salesOf(events));
  });

  it("lets one of two win that come at the same time", async () => {
    const { handle, events, sales } = await prepared();
    const outcomes = await Promise.allSettled([handle(0, 6), handle(0, 5), handle(0, 7)]);
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(1);
    const won = [6, 5, 7].find((_, index) => outcomes[index]?.status === "fulfilled");
    expect(await sales()).toEqual(salesOf(events.slice(0, won)));
  });

  it("is gone with the table when the build is not needed any more, however often that is said", async () => {
    const { handle, projection, context, position } = await prepared();
    await handle(0, 6);
    await projection.retire?.(context);
    await projection.retire?.(context);
    expect(await position()).toBeUndefined();
    await expect(handle(6, 9)).rejects.toThrow("does not exist");
    expect(await position()).toBeUndefined();
  });
});

/** "crashed": before anything is made; "unheard": after, so that nobody hears of it; "restarted": it loads the position. */
type Fate = "none" | "crashed" | "unheard" | "restarted";

/** One of the processes that believe to own the slot does so many positions. */
interface Step {
  readonly process: number;
  readonly size: number;
  readonly fate: Fate;
}

const steps: fc.Arbitrary<Step> = fc.record({
  process: fc.nat({ max: 2 }),
  size: fc.integer({ min: 1, max: 6 }),
  fate: fc.constantFrom("none", "none", "none", "crashed", "unheard", "restarted"),
});

/** Runs a history, and answers whether every event is counted exactly once in the end. */
async function isExact(history: readonly Step[], move = movePosition): Promise<boolean> {
  let fate = "none" as Fate;
  const { handle, events, sales, position } = await prepared({ database: faulty(() => fate), move });
  const processes = [0, 0, 0];
  for (const { process, size, fate: next } of history) {
    fate = next;
    const after = processes[process] ?? 0;
    const upTo = Math.min(after + size, events.length);
    try {
      if (fate === "restarted") throw new Error("restarted");
      await handle(after, upTo);
      processes[process] = upTo;
    } catch {
      // Whatever it was, it begins anew, behind what is stored. A zombie is a process that comes later with what it had.
      if (fate !== "crashed") processes[process] = (await position()) ?? 0;
    }
  }
  fate = "none";
  await handle((await position()) ?? 0, events.length);
  return JSON.stringify(await sales()) === JSON.stringify(salesOf(events));
}

function faulty(fateOf: () => Fate): Database {
  return {
    query: (sql, values) => db.query(sql, values),
    async transaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result> {
      const fate = fateOf();
      const result = await db.transaction(async (tx) => {
        const made = await work(tx);
        if (fate === "crashed") throw new Error("crashed before the commit");
        return made;
      });
      if (fate === "unheard") throw new Error("committed, and the answer was lost");
      return result;
    },
  };
}

describe("histories of processes that crash, repeat and wake up late", () => {
  const histories = fc.array(steps, { minLength: 1, maxLength: 12 });

  it("count every event exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => isExact(history)),
      { numRuns: 25 },
    );
  });

  it("do not when the position moves whatever it is (negative control)", async () => {
    const moveBlindly: typeof movePosition = (tx, step) =>
      movePosition(tx, { ...step, after: Number.MAX_SAFE_INTEGER });
    const details = await fc.check(
      fc.asyncProperty(histories, async (history) => isExact(history, moveBlindly)),
      { numRuns: 25, endOnFailure: true },
    );
    expect(details.failed).toBe(true);
  });
});

describe("in a worker", () => {
  it("holds what is in the log, though answers get lost, and once more after a rebuild", async () => {
    let transactions = 0;
    const database = faulty(() => (++transactions % 3 === 0 ? "unheard" : "none"));
    const customerSales = {
      ...defineCustomerSales(database),
      batch: { maxEvents: 2, maxCharacters: 10_000, maxDelayMs: 0 },
    };
    await using run = runProjections({ projections: [customerSales], events: shopEvents });
    for (let order = 1; order <= 12; order++) {
      const data = { customer: customerOf(order), cents: order * 100 };
      await run.store.append(`order|${order}`, [{ type: "OrderPlaced", data }]);
      if (order % 4 === 0) await run.caughtUp();
    }
    const expected = salesOf(await collect(run.store.readAll()));
    expect(await topCustomers(db, 1)).toEqual(expected);
    expect(transactions).toBeGreaterThan(6);

    await run.projections.rebuild(customerSales.name);
    await expect
      .poll(async () => (await run.projections.list())[0]?.live.number, { timeout: 30_000 })
      .toBe(2);
    expect(await topCustomers(db, 2)).toEqual(expected);
  });
});
