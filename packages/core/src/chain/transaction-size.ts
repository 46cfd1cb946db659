import { itemSize } from "../capacity/item-size.ts";
import { TransactionTooLargeError } from "../input-errors.ts";
import { MAX_TRANSACTION_ACTIONS, MAX_TRANSACTION_BYTES } from "../limits.ts";
import type { AlsoWrite, ChainTransaction } from "./storage.ts";

/**
 * Refuses a transaction that DynamoDB would refuse. What another write makes of an item is not known, unless it puts it: it is
 * counted with what it says.
 *
 * @throws TransactionTooLargeError
 */
export function checkTransactionSize({ puts, free, also = [] }: ChainTransaction): void {
  const actions = puts.length + free.length + also.length;
  if (actions > MAX_TRANSACTION_ACTIONS) {
    throw new TransactionTooLargeError(actions, MAX_TRANSACTION_ACTIONS, "actions");
  }
  const bytes = sum(puts, itemSize) + sum(also, alsoSize);
  if (bytes > MAX_TRANSACTION_BYTES) {
    throw new TransactionTooLargeError(bytes, MAX_TRANSACTION_BYTES, "transaction");
  }
}

/** Bytes of the item that another write puts, or of the key and the values that it names. */
export function alsoSize({ Put, Update, Delete, ConditionCheck }: AlsoWrite): number {
  if (Put !== undefined) return itemSize(Put.Item ?? {});
  const { Key = {}, ExpressionAttributeValues = {} } = Update ?? Delete ?? ConditionCheck ?? {};
  return itemSize(Key) + itemSize(ExpressionAttributeValues);
}

function sum<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  return values.reduce((bytes, value) => bytes + sizeOf(value), 0);
}
