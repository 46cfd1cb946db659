import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alternativesTo } from "../src/cost/alternatives.ts";
import { distinct, gathered, ratesOf } from "../src/cost/batching.ts";
import { type BillOptions, onDemandBill, provisionedBill } from "../src/cost/bill.ts";
import type { Sample } from "../src/cost/measure-sample.ts";
import { monthlyUse } from "../src/cost/monthly-use.ts";
import { defaultPrices, pricesIn } from "../src/cost/prices.ts";
import { sampleData } from "../src/cost/sample-data.ts";
import type { MonthlyUse } from "../src/cost/table-use.ts";
import { DEFAULT_WORKLOAD, type Workload, workloadOf } from "../src/cost/workload.ts";

const OPTIONS: BillOptions = {
  priceOf: pricesIn(defaultPrices(), "us-east-1"),
  countsFree: false,
  recovery: true,
  peakFactor: 4,
};

/** A sample by hand: the arithmetic must hold whatever was measured. */
const SAMPLE: Sample = {
  append: { requests: 1, readUnits: 0, writeUnits: 1.05 },
  load: { requests: 1, readUnits: 2, writeUnits: 0 },
  appendBytes: 600,
  page: (appends) => ({ writeUnits: Math.max(1, appends / 10), bytes: 200 + 60 * appends }),
  documentBytes: 700,
  enqueue: { requests: 1, readUnits: 0, writeUnits: 1 },
  enqueueBytes: 500,
};

const totalOf = (workload: Workload): number => onDemandBill(monthlyUse(workload, SAMPLE), OPTIONS).total;

/** Any workload, its numbers a day apart. */
const anyWorkload = fc
  .record({
    eventsPerAppend: fc.integer({ min: 1, max: 20 }),
    eventsPerStream: fc.integer({ min: 1, max: 500 }),
    projections: fc.integer({ min: 0, max: 5 }),
    documentsPerEvent: fc.double({ min: 0, max: 5, noNaN: true }),
    documents: fc.integer({ min: 1, max: 1_000_000 }),
    slots: fc.integer({ min: 1, max: 8 }),
    queueGroups: fc.integer({ min: 0, max: 4 }),
    messagesPerCall: fc.integer({ min: 1, max: 50 }),
    streamShards: fc.integer({ min: 1, max: 16 }),
    retentionDays: fc.integer({ min: 0, max: 3_650 }),
    host: fc.constantFrom("lambda" as const, "worker" as const),
    reads: fc.constantFrom("nothing" as const, "stream" as const),
  })
  .map(workloadOf);

const perDay = fc.integer({ min: 0, max: 100_000_000 });
const DAILY = ["eventsPerDay", "queueMessagesPerDay", "schedulesPerDay"] as const;

/** Of sums of many: to twelve digits. */
function expectClose(found: number, wanted: number): void {
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(wanted)));
}

describe("what a month costs", () => {
  it("is nothing for nothing, on demand, provisioned and elsewhere", () => {
    fc.assert(
      fc.property(anyWorkload, (workload) => {
        const use = monthlyUse(workload, SAMPLE);
        expect(onDemandBill(use, OPTIONS)).toEqual({ lines: [], total: 0 });
        expect(provisionedBill(use, OPTIONS)).toEqual({ lines: [], total: 0 });
        expect(alternativesTo(workload, OPTIONS)).toEqual([]);
      }),
    );
  });

  it("is never less for more of anything that is done", () => {
    fc.assert(
      fc.property(anyWorkload, fc.constantFrom(...DAILY), perDay, perDay, (workload, name, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const costs = [less, more].map((count) => {
          const use = monthlyUse({ ...workload, [name]: count }, SAMPLE);
          return [onDemandBill(use, OPTIONS).total, provisionedBill(use, OPTIONS).total];
        });
        for (const [index, cost] of (costs[0] ?? []).entries()) {
          expect(costs[1]?.[index] ?? 0).toBeGreaterThanOrEqual(cost * (1 - 1e-9));
        }
      }),
    );
  });

  it("is linear in events and messages, where nothing is gathered and nothing stands by", () => {
    fc.assert(
      fc.property(anyWorkload, perDay, fc.integer({ min: 2, max: 20 }), (workload, count, factor) => {
        const straight = { ...workload, gatherSeconds: 0, host: "lambda" as const, documentBytes: 2 };
        // Documents take room once, whatever happens with them.
        const fixed = totalOf({ ...straight, eventsPerDay: 1e-9, queueMessagesPerDay: 1e-9 });
        const one = totalOf({ ...straight, eventsPerDay: count, queueMessagesPerDay: count });
        const many = totalOf({
          ...straight,
          eventsPerDay: count * factor,
          queueMessagesPerDay: count * factor,
        });
        if (count > 0) expectClose(many - fixed, factor * (one - fixed));
      }),
    );
  });

  it("is linear in days that are kept, and in the prices", () => {
    fc.assert(
      fc.property(anyWorkload, perDay, (workload, eventsPerDay) => {
        const at = (retentionDays: number): number => totalOf({ ...workload, eventsPerDay, retentionDays });
        expectClose(at(200) - at(100), at(100) - at(0));
        const use = monthlyUse({ ...workload, eventsPerDay }, SAMPLE);
        const { priceOf } = OPTIONS;
        const dearer: BillOptions = {
          ...OPTIONS,
          priceOf: (name) => ({ ...priceOf(name), each: 3 * priceOf(name).each }),
        };
        expectClose(onDemandBill(use, dearer).total, 3 * onDemandBill(use, OPTIONS).total);
      }),
    );
  });

  it("is never more when what is free is taken off, and never below nothing", () => {
    fc.assert(
      fc.property(anyWorkload, perDay, perDay, (workload, eventsPerDay, schedulesPerDay) => {
        const use = monthlyUse({ ...workload, eventsPerDay, schedulesPerDay }, SAMPLE);
        const free = onDemandBill(use, { ...OPTIONS, countsFree: true });
        expect(free.total).toBeLessThanOrEqual(onDemandBill(use, OPTIONS).total);
        for (const { cost } of free.lines) expect(cost).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("has no number that is none", () => {
    fc.assert(
      fc.property(anyWorkload, perDay, perDay, perDay, (workload, events, messages, schedules) => {
        const full = {
          ...workload,
          eventsPerDay: events,
          queueMessagesPerDay: messages,
          schedulesPerDay: schedules,
        };
        const use: MonthlyUse = monthlyUse(full, SAMPLE);
        const bills = [
          onDemandBill(use, OPTIONS),
          provisionedBill(use, OPTIONS),
          ...alternativesTo(full, OPTIONS).map(({ bill }) => bill),
        ];
        for (const { total } of bills)
          expect(total).toSatisfy((each: number) => Number.isFinite(each) && each >= 0);
      }),
    );
  });
});

describe("batches", () => {
  it("have one arrival when few come, all that come when many do, and never less of more", () => {
    expect(gathered(0, 1)).toBe(1);
    expect(gathered(1, 1)).toBeCloseTo(1, 4);
    expect(gathered(86_400_000, 1)).toBeCloseTo(1_000, 9);
    fc.assert(
      fc.property(perDay, perDay, fc.double({ min: 0, max: 300, noNaN: true }), (one, other, seconds) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        expect(gathered(less, seconds)).toBeGreaterThanOrEqual(1);
        expect(gathered(more, seconds)).toBeGreaterThanOrEqual(gathered(less, seconds) * (1 - 1e-9));
      }),
    );
  });

  it("are as many as a simulation of arrivals by chance has", () => {
    const arrivals = 20_000;
    const seconds = 2;
    const rate = 0.7;
    let state = 1;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    let now = 0;
    const intervals = new Set<number>();
    for (let arrival = 0; arrival < arrivals; arrival++) {
      now += -Math.log(random()) / rate;
      intervals.add(Math.floor(now / seconds));
    }
    expect(gathered(rate * 86_400, seconds)).toBeCloseTo(arrivals / intervals.size, 1);
  });

  it("touch as many documents as there are at most", () => {
    expect(distinct(0, 10)).toBe(0);
    expect(distinct(0.25, 1)).toBe(0.25);
    expect(distinct(1, 10)).toBe(1);
    expect(distinct(1_000, 1)).toBe(1);
    expect(distinct(2, 2)).toBeCloseTo(1.5, 12);
    expect(distinct(2, 1e12)).toBeCloseTo(2, 9);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (choices, places) => {
        const found = distinct(choices, places);
        expect(found).toBeLessThanOrEqual(Math.min(choices, places) * (1 + 1e-9));
        expect(found).toBeGreaterThanOrEqual(Math.min(choices, 1) * (1 - 1e-9));
      }),
    );
  });

  it("come from appends that streams have, the last of them shorter", () => {
    const workload = { ...DEFAULT_WORKLOAD, eventsPerDay: 700, eventsPerStream: 7, eventsPerAppend: 3 };
    expect(ratesOf({ ...workload, gatherSeconds: 0 })).toMatchObject({ appends: 300, pages: 300, runs: 300 });
    expect(ratesOf({ ...workload, projections: 0 })).toMatchObject({ appends: 300, pages: 0, runs: 0 });
  });
});

describe("sample data", () => {
  it("has the bytes that are asked for, and is the same for the same seed", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("words" as const, "random" as const),
        fc.integer({ min: 2, max: 5_000 }),
        fc.integer({ min: 0, max: 1e6 }),
        (kind, bytes, seed) => {
          const text = JSON.stringify(sampleData(kind, bytes, seed));
          expect(Buffer.byteLength(text)).toBe(bytes);
          expect(JSON.stringify(sampleData(kind, bytes, seed))).toBe(text);
        },
      ),
    );
  });
});
