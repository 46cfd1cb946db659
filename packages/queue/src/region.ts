import { DescribeTableCommand, type DynamoDBClient, type TableDescription } from "@aws-sdk/client-dynamodb";
import { TableMissingError } from "@tuppence/core";
import { isNamed } from "@tuppence/core/leases";
import { QueueRegionError } from "./errors.ts";

/** What there is to know of a table to decide from where a queue in it may be used. */
export interface TableRegions {
  readonly tableName: string;
  /** Other Regions that have a replica; none: the table is no global one. */
  readonly replicas: readonly string[];
  readonly isStrong: boolean;
}

/** Where a queue is used from. */
export interface QueueRegion {
  readonly queue: string;
  /** That of the client. */
  readonly region: string;
  readonly homeRegion: string | undefined;
}

/**
 * On an eventually consistent global table (MREC) two Regions would both win the same slot, and the last writer's item would
 * stay alone. On a strongly consistent one (MRSC) a slot has one winner, in all Regions.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
 *
 * @throws QueueRegionError
 */
export function checkRegions(
  { queue, region, homeRegion }: QueueRegion,
  tables: readonly TableRegions[],
): void {
  for (const { tableName, replicas, isStrong } of tables) {
    if (replicas.length === 0 || isStrong || region === homeRegion) continue;
    throw new QueueRegionError({ queue, tableName, region, homeRegion, regions: replicas });
  }
}

/** @throws TableMissingError */
export async function readRegions(client: DynamoDBClient, tableName: string): Promise<TableRegions> {
  try {
    const { Table = {} } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    return regionsOf(tableName, Table);
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) throw new TableMissingError(tableName, { cause: error });
    throw error;
  }
}

/** What a table's description says. */
export function regionsOf(
  tableName: string,
  { Replicas: replicas = [], MultiRegionConsistency: consistency }: TableDescription,
): TableRegions {
  return {
    tableName,
    replicas: replicas.map(({ RegionName = "?" }) => RegionName),
    // Absent means eventual.
    isStrong: consistency === "STRONG",
  };
}
