import { DEFAULT_TABLE_PREFIX, type TableDefinition } from "@tuppence/core";

/**
 * The attribute of `documentsTable` that TTL goes by: epoch seconds, on the traces of documents that were taken away.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export const DOCUMENTS_TTL_ATTRIBUTE = "ttl";

/**
 * The definition of the table `<prefix>-documents`, which holds the documents of all projections. It is the input of CreateTable;
 * billed on demand, without a stream. TTL is a request of its own: enable it on the attribute `ttl`, as `ensureTables` does.
 *
 * Keys: `p` (a slot of a build of a projection) and `s` (the document's key).
 */
export function documentsTable(prefix: string = DEFAULT_TABLE_PREFIX): TableDefinition {
  return {
    TableName: `${prefix}-documents`,
    AttributeDefinitions: [
      { AttributeName: "p", AttributeType: "S" },
      { AttributeName: "s", AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: "p", KeyType: "HASH" },
      { AttributeName: "s", KeyType: "RANGE" },
    ],
    BillingMode: "PAY_PER_REQUEST",
  };
}
