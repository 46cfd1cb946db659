import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { describeTable, enabledTtl } from "./ensure-table.ts";
import { type TableDefinition, tableDifferences, ttlDifferences } from "./tables.ts";

/** What there is of a table that a definition asks for. */
export interface TableStatus {
  readonly tableName: string;
  /** In DynamoDB's words, such as `ACTIVE`; undefined when the table is not there. */
  readonly status: string | undefined;
  /** How it differs from its definition in what we rely on, one line each; empty when it serves. */
  readonly differences: readonly string[];
  /** Of the table's stream, if it has one. */
  readonly streamArn: string | undefined;
  /** The attribute that TTL goes by; undefined when the table has none, or needs none and was not asked. */
  readonly ttlAttribute: string | undefined;
  /** Items in the table, up to six hours ago. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html */
  readonly items: number | undefined;
  /** Their size in bytes, up to six hours ago. */
  readonly bytes: number | undefined;
}

/**
 * Looks at a table, and changes nothing; at its TTL as well where `ttlAttribute` says that it needs one.
 *
 * Cost: 1 request of the control plane, or 2, which are free.
 */
export async function readTableStatus(
  client: DynamoDBClient,
  definition: TableDefinition,
  ttlAttribute?: string,
): Promise<TableStatus> {
  const found = await describeTable(client, definition.TableName);
  const isAsked = found !== undefined && ttlAttribute !== undefined;
  const foundTtl = isAsked ? await enabledTtl(client, definition.TableName) : undefined;
  return {
    tableName: String(definition.TableName),
    status: found?.TableStatus,
    differences: [
      ...(found === undefined ? [] : tableDifferences(definition, found)),
      ...(isAsked ? ttlDifferences(ttlAttribute, foundTtl) : []),
    ],
    streamArn: found?.LatestStreamArn,
    ttlAttribute: foundTtl,
    items: found?.ItemCount,
    bytes: found?.TableSizeBytes,
  };
}
