import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { describeTable } from "./ensure-table.ts";
import { type TableDefinition, tableDifferences } from "./tables.ts";

/** What there is of a table that a definition asks for. */
export interface TableStatus {
  readonly tableName: string;
  /** In DynamoDB's words, such as `ACTIVE`; undefined when the table is not there. */
  readonly status: string | undefined;
  /** How it differs from its definition in what we rely on, one line each; empty when it serves. */
  readonly differences: readonly string[];
  /** Of the table's stream, if it has one. */
  readonly streamArn: string | undefined;
  /** Items in the table, up to six hours ago. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html */
  readonly items: number | undefined;
  /** Their size in bytes, up to six hours ago. */
  readonly bytes: number | undefined;
}

/** Looks at a table, and changes nothing. Cost: 1 request of the control plane, which is free. */
export async function readTableStatus(
  client: DynamoDBClient,
  definition: TableDefinition,
): Promise<TableStatus> {
  const found = await describeTable(client, definition.TableName);
  return {
    tableName: String(definition.TableName),
    status: found?.TableStatus,
    differences: found === undefined ? [] : tableDifferences(definition, found),
    streamArn: found?.LatestStreamArn,
    items: found?.ItemCount,
    bytes: found?.TableSizeBytes,
  };
}
