import { DynamoDBClient, type DynamoDBClientConfig, paginateQuery } from "@aws-sdk/client-dynamodb";
import { type Capacity, createEventStore, eventsTable, itemSize, meterCapacity } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";

/** A client of a database of its own, empty but for the table of events. */
export interface Database extends Disposable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** For a client of the table's stream. */
  readonly connection: ReturnType<DynamoDBLocal["clientConfig"]>;
  /** Opens the same database once more, with a client of other settings. */
  readonly reopen: (config: DynamoDBClientConfig) => Database;
}

let opened = 0;

/**
 * Opens a new database with one table, stream and index included. One for each side and scenario: all tables are
 * equally fresh then, and DynamoDB Local is several times slower when a database has a second table with a stream.
 * The client has the settings of the SDK: connections kept alive, 50 at most.
 */
export async function openDatabase(local: DynamoDBLocal): Promise<Database> {
  const database = connectTo(local.clientConfig(`bench${process.pid}x${opened++}`));
  await createEventStore({ client: database.client }).ensureTables();
  return database;
}

/** Opens a database that is there already: in another process than the one that made it. */
export function connectTo(connection: Database["connection"]): Database {
  const open = (config: DynamoDBClientConfig): Database => {
    const client = new DynamoDBClient({ ...connection, ...config });
    const tableName = String(eventsTable().TableName);
    return { client, tableName, connection, reopen: open, [Symbol.dispose]: () => client.destroy() };
  };
  return open({});
}

/** Does some work and says what it consumed. The meter costs CPU time itself. */
export async function consumedBy<Result>(
  database: Database,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly consumed: Capacity }> {
  const meter = meterCapacity(database.client, { tables: [eventsTable()] });
  try {
    const result = await work();
    return { result, consumed: meter.total() };
  } finally {
    meter.detach();
  }
}

/** The sizes of all items of a partition together. */
export async function bytesIn({ client, tableName }: Database, partition: string): Promise<number> {
  let bytes = 0;
  const query = {
    TableName: tableName,
    KeyConditionExpression: "p = :p",
    ExpressionAttributeValues: { ":p": { S: partition } },
  };
  for await (const { Items: items = [] } of paginateQuery({ client }, query))
    bytes += items.reduce((total, item) => total + itemSize(item), 0);
  return bytes;
}
