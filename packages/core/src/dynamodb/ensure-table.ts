import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { TableMismatchError } from "../errors.ts";
import { isNamed } from "./aws-errors.ts";
import { type TableDefinition, tableDifferences, ttlDifferences } from "./tables.ts";

/** How long a new table may take to become active, in seconds. */
const MAX_WAIT_SECONDS = 120;

/**
 * Creates the table if it is not there, and waits until it can be used. A table that is there is left as it is, but for
 * TTL, which is enabled where it is asked for and can be.
 *
 * @throws TableMismatchError when it is there with other keys, without the index or the stream, or with TTL on another
 *   attribute.
 */
export async function ensureTable(
  client: DynamoDBClient,
  definition: TableDefinition,
  ttlAttribute?: string,
): Promise<void> {
  const found = (await describeTable(client, definition.TableName)) ?? (await create(client, definition));
  if (found?.TableStatus !== "ACTIVE") {
    await waitUntilTableExists(
      { client, maxWaitTime: MAX_WAIT_SECONDS, minDelay: 1, maxDelay: 5 },
      { TableName: definition.TableName },
    );
  }
  const table = found ?? (await describeTable(client, definition.TableName));
  const differences = table ? tableDifferences(definition, table) : [];
  if (differences.length > 0) throw new TableMismatchError(String(definition.TableName), differences);
  // What has TTL is tidied up without it, too: tables that are strongly consistent in several Regions can't have it.
  const hasTtl = ttlAttribute !== undefined && table?.MultiRegionConsistency !== "STRONG";
  if (hasTtl) await ensureTtl(client, definition.TableName, ttlAttribute);
}

async function ensureTtl(
  client: DynamoDBClient,
  tableName: string | undefined,
  wanted: string,
): Promise<void> {
  const before = await enabledTtl(client, tableName);
  if (before !== undefined) return assertTtl(tableName, before, wanted);
  try {
    const TimeToLiveSpecification = { Enabled: true, AttributeName: wanted };
    await client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }));
  } catch (error) {
    // Another process may have been faster; that it was is all that is needed.
    const after = await enabledTtl(client, tableName);
    if (after === undefined) throw error;
    assertTtl(tableName, after, wanted);
  }
}

/** The attribute that a table's TTL goes by; undefined when it has none. */
export async function enabledTtl(
  client: DynamoDBClient,
  tableName: string | undefined,
): Promise<string | undefined> {
  const { TimeToLiveDescription: ttl } = await client.send(
    new DescribeTimeToLiveCommand({ TableName: tableName }),
  );
  const isEnabled = ttl?.TimeToLiveStatus === "ENABLED" || ttl?.TimeToLiveStatus === "ENABLING";
  return isEnabled ? ttl.AttributeName : undefined;
}

function assertTtl(tableName: string | undefined, found: string, wanted: string): void {
  const differences = ttlDifferences(wanted, found);
  if (differences.length > 0) throw new TableMismatchError(String(tableName), differences);
}

/** What DynamoDB says of a table; undefined when it is not there. */
export async function describeTable(
  client: DynamoDBClient,
  tableName: string | undefined,
): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: tableName }))).Table;
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}

async function create(
  client: DynamoDBClient,
  definition: TableDefinition,
): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new CreateTableCommand(definition))).TableDescription;
  } catch (error) {
    // Another process was faster; it is looked at again once it is active.
    if (isNamed(error, "ResourceInUseException")) return undefined;
    throw error;
  }
}
