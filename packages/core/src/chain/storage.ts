import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Item } from "../capacity/item-size.ts";

/** Which items of a chain to read, by their first slots, both inclusive. */
export interface SlotRange {
  readonly chain: string;
  readonly from: number;
  readonly to: number;
  readonly backward: boolean;
  /** At most so many items in the page. */
  readonly limit?: number | undefined;
  readonly consistency: Consistency;
  readonly signal?: AbortSignal | undefined;
}

/** Strong: sees every acknowledged write. Eventual: half the price, and may be a little behind. */
export type Consistency = "strong" | "eventual";

/** One page: DynamoDB ends it at 1 MB. */
export interface ItemPage {
  readonly items: readonly Item[];
  /** Whether the range may hold more after the last item. */
  readonly more: boolean;
}

export interface NamePageRequest {
  /** For a category: begin after this name. */
  readonly after?: string | undefined;
  /** For all: `next` of the page before. */
  readonly next?: unknown;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One page of chain names. */
export interface NamePage {
  readonly names: readonly string[];
  /** Where the next page begins, for the storage to know; undefined after the last. */
  readonly next: unknown;
}

/** The attributes of an item that hold events or a state: what truncating a stream takes away. */
export const CONTENT_ATTRIBUTES: readonly string[] = ["e", "f", "x", "b", "y", "z", "h"];

/** A slot of a chain, by number. */
export interface SlotKey {
  readonly chain: string;
  readonly slot: number;
}

/**
 * A write to a table of your own, or a check of it, as `TransactWriteItems` takes it: one of `Put`, `Update`, `Delete` and
 * `ConditionCheck`, with plain attribute values.
 */
export type AlsoWrite = TransactWriteItem;

/** Puts and checks that hold together or not at all. */
export interface ChainTransaction {
  /** Each goes where nothing is yet. */
  readonly puts: readonly Item[];
  /** Slots in which nothing may be. */
  readonly free: readonly SlotKey[];
  /** Writes to other tables. Default: none. */
  readonly also?: readonly AlsoWrite[] | undefined;
}

/** Where chains are kept. The protocol above it is the same for all; only this part does I/O. */
export interface ChainStorage {
  /** Whether its transactions can have writes to other tables in them. Default false. */
  readonly hasOtherTables?: boolean | undefined;
  /**
   * Puts an item where nothing is yet. Answers what is in the way, or undefined when it was put.
   *
   * @throws UncertainWriteError when the item may or may not have been put.
   */
  putNew(item: Item, signal: AbortSignal | undefined): Promise<Item | undefined>;
  /**
   * Puts all items if all slots are free, those of the items and those to be checked. Answers undefined when they
   * were put; otherwise nothing was, and the answer has what is in the way of each put and check, in their order, and
   * behind them for each other write what its condition was refused by: an empty item if that did not come back.
   *
   * @throws UncertainWriteError when the items may or may not have been put.
   */
  transact(
    transaction: ChainTransaction,
    signal: AbortSignal | undefined,
  ): Promise<readonly (Item | undefined)[] | undefined>;
  /** Puts a chain's snapshot, unless there is one of a version (`v`) that is as high. */
  putSnapshot(item: Item, signal: AbortSignal | undefined): Promise<void>;
  /** Takes the content of an item that is there, but for what chains need, and gives it other attributes. */
  strip(slot: SlotKey, attributes: Item, signal: AbortSignal | undefined): Promise<void>;
  /**
   * What begins in these slots, all at one moment: no transaction is half seen.
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
   *
   * @throws UncertainWriteError when another transaction on them was under way.
   */
  find(slots: readonly SlotKey[], signal: AbortSignal | undefined): Promise<readonly (Item | undefined)[]>;
  /** One page of a chain's items, in slot order or against it. */
  query(range: SlotRange): Promise<ItemPage>;
  /**
   * One page of chains: of a category in order of their names, after a given one; or of all, in no order, from
   * where the last page ended.
   */
  listNames(category: string | undefined, page: NamePageRequest): Promise<NamePage>;
  /** Creates what is missing; safe to call always. */
  ensureTables(): Promise<void>;
}

/** A write whose outcome the storage can't tell, or that was turned away for a moment: sending it again settles it. */
export class UncertainWriteError extends Error {
  /** False when it is certain that nothing was written, so the cause can be told to the caller as it is. */
  readonly mayBeWritten: boolean;

  constructor(options: { readonly mayBeWritten: boolean; readonly cause: unknown }) {
    super("The outcome of a write is uncertain.", { cause: options.cause });
    this.mayBeWritten = options.mayBeWritten;
  }
}
