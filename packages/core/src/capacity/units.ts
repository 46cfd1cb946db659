import { READ_UNIT_BYTES, WRITE_UNIT_BYTES } from "../limits.ts";

/** What an operation consumed. */
export interface Capacity {
  /** Calls to DynamoDB; retries inside the AWS SDK are not counted. */
  readonly requests: number;
  /** Read request units. */
  readonly readUnits: number;
  /** Write request units, those of the index included. */
  readonly writeUnits: number;
}

/**
 * Write units of putting, updating or deleting an item of `bytes` (the larger of before and after): one for
 * each KB begun, two in a transaction. A write refused by its condition costs the same.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption
 */
export function writeUnits(bytes: number, options?: { readonly transaction?: boolean | undefined }): number {
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES)) * (options?.transaction ? 2 : 1);
}

/**
 * Read units of one GetItem, or of one page of a Query or Scan whose items have `bytes` together: one for
 * each 4 KB begun when strongly consistent, half of that when eventually consistent, twice that in a transaction.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#read-operation-consumption
 */
export function readUnits(bytes: number, consistency: "strong" | "eventual" | "transaction"): number {
  const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
  if (consistency === "strong") return units;
  return consistency === "eventual" ? units / 2 : units * 2;
}

/** Adds up what the calls of one operation consume, and what an observer may want to know besides. */
export class Bill implements Capacity {
  requests = 0;
  readUnits = 0;
  writeUnits = 0;
  /** Events found by reading. */
  events = 0;
  /** Writes sent again because their outcome was uncertain. */
  resends = 0;
  /** Places that were taken when an append to any version came. */
  lostRaces = 0;

  addRead(units: number): void {
    this.requests += 1;
    this.readUnits += units;
  }

  addWrite(units: number): void {
    this.requests += 1;
    this.writeUnits += units;
  }

  /** Adds what another operation consumed on behalf of this one. */
  add(other: Capacity): void {
    this.requests += other.requests;
    this.readUnits += other.readUnits;
    this.writeUnits += other.writeUnits;
  }

  total(): Capacity {
    return { requests: this.requests, readUnits: this.readUnits, writeUnits: this.writeUnits };
  }
}

/** What the inside of a store lets its caller bring along. */
export interface Billed {
  /** What to count on. Default: one of the operation's own. */
  readonly bill?: Bill | undefined;
}
