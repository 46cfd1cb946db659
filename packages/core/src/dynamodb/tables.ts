import type { CreateTableCommandInput, TableDescription } from "@aws-sdk/client-dynamodb";

/** The prefix of table names when none is given. */
export const DEFAULT_TABLE_PREFIX = "tuppence";

/** The index of `eventsTable` that lists the streams of a category. */
export const STREAMS_INDEX = "streams";

/** A table as data: the input of CreateTable, and easily read by infrastructure code. */
export type TableDefinition = CreateTableCommandInput &
  Required<Pick<CreateTableCommandInput, "TableName" | "AttributeDefinitions" | "KeySchema" | "BillingMode">>;

/**
 * The definition of the table `<prefix>-events`, which holds the chains: all streams and the global log. It is
 * the input of CreateTable; billed on demand, with the stream of new images that everything downstream is fed by.
 *
 * Keys: `p` (the chain's name) and `s` (the slot of an item's first event). The sparse index `streams` holds one
 * small entry for each stream: 1 WCU for a new stream, nothing for its later events.
 */
export function eventsTable(prefix: string = DEFAULT_TABLE_PREFIX): TableDefinition {
  return {
    TableName: `${prefix}-events`,
    AttributeDefinitions: [
      { AttributeName: "p", AttributeType: "S" },
      { AttributeName: "s", AttributeType: "N" },
      { AttributeName: "c", AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: "p", KeyType: "HASH" },
      { AttributeName: "s", KeyType: "RANGE" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: STREAMS_INDEX,
        KeySchema: [
          { AttributeName: "c", KeyType: "HASH" },
          { AttributeName: "p", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    BillingMode: "PAY_PER_REQUEST",
  };
}

/**
 * The attribute of `controlTable` that TTL goes by: epoch seconds, on items that nobody needs later.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export const CONTROL_TTL_ATTRIBUTE = "ttl";

/**
 * The definition of the table `<prefix>-control`, which holds leases with the positions in them. It is the input of
 * CreateTable; billed on demand, without a stream: heartbeats wake no function. TTL is a request of its own: enable it on the
 * attribute `ttl`, as `ensureTables` does.
 *
 * Keys: `p` (what kind of item, and of which group) and `s` (which one).
 */
export function controlTable(prefix: string = DEFAULT_TABLE_PREFIX): TableDefinition {
  return {
    TableName: `${prefix}-control`,
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

/** How an existing table differs from its definition in what we rely on; empty when it serves. */
export function tableDifferences(definition: TableDefinition, found: TableDescription): string[] {
  const differences: string[] = [];
  const differ = (what: string, wanted: unknown, actual: unknown): void => {
    if (wanted !== actual)
      differences.push(`its ${what} is ${String(actual)} and ${String(wanted)} is needed`);
  };
  differ("key", describeKeys(definition, definition.KeySchema), describeKeys(found, found.KeySchema));
  for (const index of definition.GlobalSecondaryIndexes ?? []) {
    const actual = found.GlobalSecondaryIndexes?.find((each) => each.IndexName === index.IndexName);
    differ(
      `index ${index.IndexName}`,
      describeKeys(definition, index.KeySchema),
      describeKeys(found, actual?.KeySchema),
    );
  }
  // A stream that somebody added to a table that needs none does no harm.
  const stream = definition.StreamSpecification?.StreamViewType;
  if (stream !== undefined) differ("stream", stream, found.StreamSpecification?.StreamViewType);
  return differences;
}

/** How an existing table's TTL differs from what is needed; empty when it serves. */
export function ttlDifferences(wanted: string, found: string | undefined): string[] {
  return wanted === found ? [] : [`its TTL attribute is ${String(found)} and ${wanted} is needed`];
}

function describeKeys(
  table: Pick<TableDescription, "AttributeDefinitions">,
  keys: TableDescription["KeySchema"],
): string {
  if (!keys?.length) return "missing";
  return keys
    .map((key) => {
      const type = table.AttributeDefinitions?.find(
        (each) => each.AttributeName === key.AttributeName,
      )?.AttributeType;
      return `${key.AttributeName} ${type} (${key.KeyType})`;
    })
    .join(", ");
}
