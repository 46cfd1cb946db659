import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
  type TimeToLiveDescription,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { TableMismatchError } from "../errors.ts";
import { isNamed } from "./aws-errors.ts";
import { type TableDefinition, tableDifferences } from "./tables.ts";

/** How long a new table may take to become active, in seconds. */
const MAX_WAIT_SECONDS = 120;

/**
 * Creates the table if it is not there, and waits until it can be used. A table that is there is left as it is, but for
 * TTL, which is enabled where it is asked for.
 *
 * @throws TableMismatchError when it is there with other keys, without the index or the stream, or with TTL on another
 *   attribute.
 */
export async function ensureTable(
  client: DynamoDBClient,
  definition: TableDefinition,
  ttlAttribute?: string,
): Promise<void> {
  const found = (await describe(client, definition.TableName)) ?? (await create(client, definition));
  if (found?.TableStatus !== "ACTIVE") {
    await waitUntilTableExists(
      { client, maxWaitTime: MAX_WAIT_SECONDS, minDelay: 1, maxDelay: 5 },
      { TableName: definition.TableName },
    );
  }
  const table = found ?? (await describe(client, definition.TableName));
  const differences = table ? tableDifferences(definition, table) : [];
  if (differences.length > 0) throw new TableMismatchError(String(definition.TableName), differences);
  if (ttlAttribute !== undefined) await ensureTtl(client, definition.TableName, ttlAttribute);
}

async function ensureTtl(
  client: DynamoDBClient,
  tableName: string | undefined,
  wanted: string,
): Promise<void> {
  const before = await describeTtl(client, tableName);
  if (isEnabled(before)) return assertTtl(tableName, before, wanted);
  try {
    const TimeToLiveSpecification = { Enabled: true, AttributeName: wanted };
    await client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }));
  } catch (error) {
    // Another process may have been faster; that it was is all that is needed.
    const after = await describeTtl(client, tableName);
    if (!isEnabled(after)) throw error;
    assertTtl(tableName, after, wanted);
  }
}

async function describeTtl(
  client: DynamoDBClient,
  tableName: string | undefined,
): Promise<TimeToLiveDescription | undefined> {
  const described = await client.send(new DescribeTimeToLiveCommand({ TableName: tableName }));
  return described.TimeToLiveDescription;
}

function isEnabled(ttl: TimeToLiveDescription | undefined): boolean {
  return ttl?.TimeToLiveStatus === "ENABLED" || ttl?.TimeToLiveStatus === "ENABLING";
}

function assertTtl(
  tableName: string | undefined,
  ttl: TimeToLiveDescription | undefined,
  wanted: string,
): void {
  if (ttl?.AttributeName === wanted) return;
  throw new TableMismatchError(String(tableName), [
    `its TTL attribute is ${String(ttl?.AttributeName)} and ${wanted} is needed`,
  ]);
}

async function describe(
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
