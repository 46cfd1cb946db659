import {
  CONTROL_TTL_ATTRIBUTE,
  controlTable,
  DEFAULT_TABLE_PREFIX,
  type TableDefinition,
} from "@tuppence/core";

/**
 * The attribute of `documentsTable` that TTL goes by: epoch seconds, on the traces of documents that were taken away.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export const DOCUMENTS_TTL_ATTRIBUTE: typeof CONTROL_TTL_ATTRIBUTE = CONTROL_TTL_ATTRIBUTE;

/**
 * The definition of the table `<prefix>-documents`, which holds the documents of all projections. It is the input of CreateTable;
 * billed on demand, without a stream. TTL is a request of its own: enable it on the attribute `ttl`, as `ensureTables` does.
 *
 * Keys: `p` (a slot of a build of a projection) and `s` (the document's key).
 */
export function documentsTable(prefix: string = DEFAULT_TABLE_PREFIX): TableDefinition {
  // Text keys, and no stream, like the table of control items.
  return { ...controlTable(prefix), TableName: `${prefix}-documents` };
}
