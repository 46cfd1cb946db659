/**
 * The limits of DynamoDB that this package counts with, each with the page of AWS that says it.
 * All sizes are bytes.
 */

/** The largest item, names and values together. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items-size */
export const MAX_ITEM_BYTES: number = 400 * 1024;

/** What one write unit pays for. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption */
export const WRITE_UNIT_BYTES = 1024;

/** What one read unit pays for. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#read-operation-consumption */
export const READ_UNIT_BYTES: number = 4 * 1024;

/** Actions in one transaction. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-transactions */
export const MAX_TRANSACTION_ACTIONS = 100;

/** The size of all items of one transaction. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-transactions */
export const MAX_TRANSACTION_BYTES: number = 4 * 1024 * 1024;

/** The longest partition key, in UTF-8. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys */
export const MAX_PARTITION_KEY_BYTES = 2048;

/** The longest sort key, in UTF-8; the name of a stream is one in the index of streams. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys */
export const MAX_SORT_KEY_BYTES = 1024;
