import type { Price } from "./prices.ts";
import type { PriceName } from "./price-names.ts";
import { GB, HOURS_PER_MONTH, type MonthlyUse, STORE_TABLES, type StoreTable } from "./table-use.ts";

/** One line of what a month costs. */
export interface BillLine {
  readonly name: string;
  /** How much of it, and of what: `writeUnits` and `readUnits` for what is done with tables. */
  readonly amounts: Readonly<Record<string, number>>;
  readonly cost: number;
  /** Those of its prices that are not verified. */
  readonly unverified: readonly PriceName[];
}

export interface Bill {
  readonly lines: readonly BillLine[];
  readonly total: number;
}

/** How a bill is made. */
export interface BillOptions {
  readonly priceOf: (name: PriceName) => Price;
  /** Whether what is free each month is taken off. */
  readonly countsFree: boolean;
  readonly recovery: boolean;
  /** Provisioned capacity, as a multiple of the average. */
  readonly peakFactor: number;
}

/** A line of amounts that have a price each. */
export function lineOf(
  name: string,
  amounts: Readonly<Record<string, readonly [PriceName, number]>>,
  { priceOf, countsFree }: Pick<BillOptions, "priceOf" | "countsFree">,
): BillLine {
  let cost = 0;
  const unverified: PriceName[] = [];
  const counted: Record<string, number> = {};
  for (const [what, [priceName, amount]] of Object.entries(amounts)) {
    const price = priceOf(priceName);
    counted[what] = amount;
    cost += Math.max(0, amount - (countsFree ? price.free : 0)) * price.each;
    if (amount > 0 && !price.verified) unverified.push(priceName);
  }
  return { name, amounts: counted, cost, unverified };
}

export function billOf(lines: readonly BillLine[]): Bill {
  const asked = lines.filter(({ amounts }) => Object.values(amounts).some((amount) => amount > 0));
  return { lines: asked, total: asked.reduce((total, { cost }) => total + cost, 0) };
}

/** What a month costs when each request is paid for. */
export function onDemandBill(use: MonthlyUse, options: BillOptions): Bill {
  const requests = use.tables.map(({ name, writeUnits, readUnits }) =>
    lineOf(
      name,
      { writeUnits: ["dynamodbWriteUnits", writeUnits], readUnits: ["dynamodbReadUnits", readUnits] },
      options,
    ),
  );
  return billOf([...requests, ...commonLines(use, options)]);
}

/** What a month costs with capacity for the average of each table times the factor of the peak. */
export function provisionedBill(use: MonthlyUse, options: BillOptions): Bill {
  const capacity = STORE_TABLES.map((table) => {
    const { writes, reads } = capacityOf(use, table, options.peakFactor);
    return lineOf(
      `capacity of ${table}`,
      {
        writeCapacityHours: ["dynamodbWriteCapacity", writes * HOURS_PER_MONTH],
        readCapacityHours: ["dynamodbReadCapacity", reads * HOURS_PER_MONTH],
      },
      options,
    );
  });
  return billOf([...capacity, ...commonLines(use, options)]);
}

const SECONDS_PER_MONTH: number = HOURS_PER_MONTH * 3_600;

/** Whole units a second; a table that is used has one of each at least. */
export function capacityOf(
  { tables }: MonthlyUse,
  table: StoreTable,
  peakFactor: number,
): { readonly writes: number; readonly reads: number } {
  const uses = tables.filter((use) => use.table === table);
  const of = (units: number): number =>
    uses.length === 0 ? 0 : Math.max(1, Math.ceil((units / SECONDS_PER_MONTH) * peakFactor));
  return {
    writes: of(uses.reduce((total, { writeUnits }) => total + writeUnits, 0)),
    reads: of(uses.reduce((total, { readUnits }) => total + readUnits, 0)),
  };
}

function commonLines(use: MonthlyUse, options: BillOptions): BillLine[] {
  const gb = STORE_TABLES.reduce((total, table) => total + use.storedBytes[table], 0) / GB;
  const recovered = options.recovery ? gb : 0;
  return [
    lineOf("storage", { gbMonths: ["dynamodbStorage", gb] }, options),
    lineOf("point-in-time recovery", { gbMonths: ["dynamodbRecovery", recovered] }, options),
    lineOf("stream records for workers", { requests: ["dynamodbStreamReads", use.streamReads] }, options),
    lineOf("Lambda invocations", { invocations: ["lambdaRequests", use.invocations] }, options),
    lineOf("Lambda duration", { gbSeconds: ["lambdaDuration", use.gbSeconds] }, options),
  ];
}
