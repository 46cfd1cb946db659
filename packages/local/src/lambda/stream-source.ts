import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type _Record,
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import type { LocalClientConfig } from "../client-config.ts";
import type { Shard } from "./shard-lineage.ts";

/** Where to begin in a shard: one of the ends, or after a record. */
export type ShardPosition = "TRIM_HORIZON" | "LATEST" | { readonly after: string };

export interface RecordPage {
  readonly records: readonly _Record[];
  /** Undefined when the shard is closed and read to its end. */
  readonly nextIterator: string | undefined;
}

/** A stream to read: the three calls of the Streams API, their errors passed through. */
export interface StreamSource {
  readonly streamArn: string;
  listShards(): Promise<readonly Shard[]>;
  openIterator(shardId: string, position: ShardPosition): Promise<string>;
  read(iterator: string): Promise<RecordPage>;
  /** Frees connections. */
  close(): void;
}

/** A table, by its newest stream, or a stream of one's own choice. */
export type StreamName =
  | { readonly tableName: string; readonly streamArn?: undefined }
  | { readonly streamArn: string; readonly tableName?: undefined };

/**
 * Opens a stream with the SDK's client.
 *
 * @throws TypeError when the table has no stream
 */
export async function openStream(config: LocalClientConfig, name: StreamName): Promise<StreamSource> {
  const streamArn = name.streamArn ?? (await newestStream(config, name.tableName));
  const client = new DynamoDBStreamsClient({ ...config });
  return {
    streamArn,
    listShards: () => listShards(client, streamArn),
    async openIterator(shardId, position) {
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({
          StreamArn: streamArn,
          ShardId: shardId,
          ...(typeof position === "string"
            ? { ShardIteratorType: position }
            : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: position.after }),
        }),
      );
      if (ShardIterator === undefined) throw new TypeError(`There is no iterator for shard ${shardId}`);
      return ShardIterator;
    },
    async read(iterator) {
      const { Records = [], NextShardIterator } = await client.send(
        new GetRecordsCommand({ ShardIterator: iterator }),
      );
      return { records: Records, nextIterator: NextShardIterator };
    },
    close: () => client.destroy(),
  };
}

async function newestStream(config: LocalClientConfig, tableName: string): Promise<string> {
  const client = new DynamoDBClient({ ...config });
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    if (Table?.LatestStreamArn === undefined || Table.StreamSpecification?.StreamEnabled !== true) {
      throw new TypeError(`The table ${tableName} has no stream: give it a StreamSpecification`);
    }
    return Table.LatestStreamArn;
  } finally {
    client.destroy();
  }
}

async function listShards(client: DynamoDBStreamsClient, streamArn: string): Promise<readonly Shard[]> {
  const shards: Shard[] = [];
  let lastShardId: string | undefined;
  do {
    const { StreamDescription } = await client.send(
      new DescribeStreamCommand({
        StreamArn: streamArn,
        ...(lastShardId !== undefined && { ExclusiveStartShardId: lastShardId }),
      }),
    );
    for (const { ShardId, ParentShardId, SequenceNumberRange } of StreamDescription?.Shards ?? []) {
      if (ShardId === undefined) throw new TypeError(`The stream ${streamArn} has a shard without an id`);
      const closed = SequenceNumberRange?.EndingSequenceNumber !== undefined;
      shards.push({ id: ShardId, parentId: ParentShardId, closed });
    }
    lastShardId = StreamDescription?.LastEvaluatedShardId;
  } while (lastShardId !== undefined);
  return shards;
}
