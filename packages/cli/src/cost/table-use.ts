import { limits } from "@tuppence/core";

/** AWS's calculators count months of 730 hours. */
export const HOURS_PER_MONTH = 730;
export const DAYS_PER_MONTH: number = HOURS_PER_MONTH / 24;

export type StoreTable = "events" | "control" | "documents" | "schedules";
export const STORE_TABLES: readonly StoreTable[] = ["events", "control", "documents", "schedules"];

/** What is done with a table, a month. */
export interface TableUse {
  readonly name: string;
  readonly table: StoreTable;
  readonly times: number;
  readonly writeUnits: number;
  readonly readUnits: number;
}

/** What a workload uses, a month. */
export interface MonthlyUse {
  readonly tables: readonly TableUse[];
  readonly storedBytes: Readonly<Record<StoreTable, number>>;
  readonly invocations: number;
  readonly gbSeconds: number;
  /** GetRecords of workers: those of Lambda are free. */
  readonly streamReads: number;
}

/** What one of something takes. */
interface Each {
  readonly writeUnits?: number;
  readonly readUnits?: number;
}

/** What is done so many times a day. */
export function monthly(name: string, table: StoreTable, timesPerDay: number, each: Each): TableUse {
  const times = timesPerDay * DAYS_PER_MONTH;
  const { writeUnits = 0, readUnits = 0 } = each;
  return { name, table, times, writeUnits: times * writeUnits, readUnits: times * readUnits };
}

/** DynamoDB counts in binary units. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
export const GB: number = limits.WRITE_UNIT_BYTES ** 3;
