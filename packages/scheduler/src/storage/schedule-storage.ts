import type { AlsoWrite, Consistency } from "@tuppence/core";
import type { ControlItem, ControlKey, ControlStorage, ControlUpdate } from "@tuppence/core/leases";

/** Which items of a partition to read, by their sort keys. */
export interface ItemRange {
  readonly partition: string;
  /** The first and the last sort key that may be among them, both inclusive. Default: from the first, to the last. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Begin behind this sort key, one of the range: the last of the page before. */
  readonly after?: string | undefined;
  /** At most so many. Default: what fits into a page. */
  readonly limit?: number | undefined;
  readonly consistency: Consistency;
  readonly signal?: AbortSignal | undefined;
}

/** One page of a partition's items, in order of their sort keys. */
interface RangePage {
  readonly items: readonly (readonly [sort: string, item: ControlItem])[];
  /** Whether the range may hold more behind the last of them. */
  readonly more: boolean;
}

/** What a change came to. */
export type ChangeOutcome =
  | { readonly applied: true }
  | { readonly applied: false /** What is there instead. */; readonly item: ControlItem | undefined };

interface Ranges {
  query(range: ItemRange): Promise<RangePage>;
  /** Changes as writes for a transaction of somebody else's; memory has none. */
  writesOf(changes: readonly ControlUpdate[]): readonly AlsoWrite[];
}

/** Where schedules are kept: small items that are found by two keys. The protocol above it is the same for all; only this part does I/O. */
export interface ScheduleStorage extends ControlStorage, Ranges {
  /**
   * Changes up to 25 items, no two of them the same, in one request if that can be. Each is changed on its own conditions, whatever becomes of the others;
   * of each it is answered what `update` would have.
   */
  updateMany(updates: readonly ControlUpdate[]): Promise<readonly PromiseSettledResult<ChangeOutcome>[]>;
  /** Looks at up to 100 items as they are now, in one request if that can be: what `find` would have answered. */
  findMany(keys: readonly ControlKey[]): Promise<readonly PromiseSettledResult<ControlItem | undefined>[]>;
}

/** What the protocol asks of a storage. */
export interface ScheduleItems extends Omit<ControlStorage, "update">, Ranges {
  /**
   * Changes an item, on conditions.
   *
   * @throws UncertainWriteError when it may or may not have been changed.
   */
  update(update: ControlUpdate, signal?: AbortSignal): Promise<ChangeOutcome>;
}
