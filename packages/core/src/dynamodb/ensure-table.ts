import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { TableMismatchError } from "../errors.ts";
import { isNamed } from "./aws-errors.ts";
import { type TableDefinition, tableDifferences } from "./tables.ts";

/** How long a new table may take to become active, in seconds. */
const MAX_WAIT_SECONDS = 120;

/**
 * Creates the table if it is not there, and waits until it can be used. A table that is there is left as it is.
 *
 * @throws TableMismatchError when it is there with other keys, without the index or without the stream.
 */
export async function ensureTable(client: DynamoDBClient, definition: TableDefinition): Promise<void> {
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
