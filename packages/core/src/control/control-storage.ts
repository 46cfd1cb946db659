import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";

/** What a group of processes keeps together: leases and the positions in them. Items are small, and found by two keys. */

export type ControlValue = string | number;

/** An item without its keys. */
export type ControlItem = Readonly<Record<string, ControlValue>>;

export interface ControlKey {
  readonly partition: string;
  readonly sort: string;
}

/** A change of one item. It is created if `where` holds without it. */
export interface ControlUpdate {
  readonly key: ControlKey;
  /** What has to be stored for the change to be made; undefined: there must be no such attribute. */
  readonly where: Readonly<Record<string, ControlValue | undefined>>;
  /** What is stored then; undefined: the attribute is taken away. */
  readonly set: Readonly<Record<string, ControlValue | undefined>>;
}

/** A part of a transaction: an update, or that an item is taken away. */
export type ControlChange =
  | ControlUpdate
  | {
      readonly delete: ControlKey;
      /** As in an update. */
      readonly where: ControlUpdate["where"];
    };

/** What a transaction came to; refused, it changed nothing. */
export type ControlTransactOutcome =
  | { readonly applied: true }
  | {
      readonly applied: false;
      /** Of which changes the condition did not hold: indexes of `changes`, and behind them of `also`. */
      readonly refused: readonly number[];
    };

export type ControlOutcome =
  | { readonly applied: true; readonly item: ControlItem }
  | {
      readonly applied: false;
      /** What is there instead. */
      readonly item: ControlItem | undefined;
      /** Whether the storage sent it more than once by itself, so that an earlier send may have been applied. */
      readonly resent: boolean;
    };

/** Where such items are kept. The protocols above it are the same for all; only this part does I/O. */
export interface ControlStorage {
  readonly tableName: string;
  /**
   * Changes an item, on conditions.
   *
   * @throws UncertainWriteError when it may or may not have been changed.
   */
  update(update: ControlUpdate, signal?: AbortSignal): Promise<ControlOutcome>;
  /**
   * Makes all changes or none, together with other writes of the same account and Region; at most 100, each of another
   * item.
   *
   * @throws UncertainWriteError when they may or may not have been made, or were turned away for a moment.
   */
  transact(
    changes: readonly ControlChange[],
    also: readonly TransactWriteItem[],
    signal?: AbortSignal,
  ): Promise<ControlTransactOutcome>;
  /** An item as it is now: strongly consistent. */
  find(key: ControlKey, signal?: AbortSignal): Promise<ControlItem | undefined>;
  /** All items of a partition, by their sort keys. */
  list(
    partition: string,
    options: {
      readonly consistency: "strong" | "eventual";
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<ReadonlyMap<string, ControlItem>>;
  /** Takes an item away, if it is there. */
  delete(key: ControlKey, signal?: AbortSignal): Promise<void>;
  /** Creates what is missing; safe to call always. */
  ensureTables(): Promise<void>;
}
