import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ensureTable } from "./ensure-table.ts";
import { CONTROL_TTL_ATTRIBUTE, controlTable, DEFAULT_TABLE_PREFIX, eventsTable } from "./tables.ts";

/**
 * Creates the tables `<prefix>-events` and `<prefix>-control` where they are missing, and waits until they can be used; safe to
 * call always. A store alone needs but the first, and creates it with `store.ensureTables()`; leases, and so workers, need
 * the second.
 *
 * @throws TableMismatchError when one is there with other keys, without the index or the stream, or with TTL on another
 *   attribute.
 */
export async function ensureTables(options: {
  readonly client: DynamoDBClient;
  /** Default `tuppence`. */
  readonly tablePrefix?: string | undefined;
}): Promise<void> {
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX } = options;
  await Promise.all([
    ensureTable(client, eventsTable(tablePrefix)),
    ensureTable(client, controlTable(tablePrefix), CONTROL_TTL_ATTRIBUTE),
  ]);
}
