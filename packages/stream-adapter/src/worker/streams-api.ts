import {
  type _Record,
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import type { Shard } from "./lineage.ts";

/** Where an iterator begins. Never at the latest record: what came before it would be skipped in silence. */
export type IteratorStart =
  | { readonly type: "TRIM_HORIZON" }
  | { readonly type: "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER"; readonly sequenceNumber: string };

/** What the worker needs of DynamoDB Streams; errors are told apart by their names, as AWS gives them. */
export interface StreamsApi {
  /** ARNs of the streams that a table has or had lately, in no order. */
  listStreams(
    request: { readonly tableName: string; readonly afterStreamArn: string | undefined },
    signal: AbortSignal | undefined,
  ): Promise<{ readonly streamArns: readonly string[]; readonly lastStreamArn: string | undefined }>;
  describeStream(
    request: { readonly streamArn: string; readonly afterShardId: string | undefined },
    signal: AbortSignal | undefined,
  ): Promise<ShardListPage>;
  getShardIterator(
    request: { readonly streamArn: string; readonly shardId: string; readonly start: IteratorStart },
    signal: AbortSignal | undefined,
  ): Promise<string>;
  getRecords(
    request: { readonly iterator: string; readonly limit: number },
    signal: AbortSignal | undefined,
  ): Promise<RecordsPage>;
}

export interface ShardListPage {
  /** Whether the stream takes no more records, and gets no more shards. */
  readonly isDisabled: boolean;
  readonly shards: readonly Shard[];
  /** Where the next page begins; undefined on the last. */
  readonly lastShardId: string | undefined;
}

export interface RecordsPage {
  readonly records: readonly _Record[];
  /** Undefined when the shard is closed and there is nothing after this page. */
  readonly nextIterator: string | undefined;
}

/** The port on the SDK's client. */
export function createStreamsApi(client: DynamoDBStreamsClient): StreamsApi {
  return {
    async listStreams({ tableName, afterStreamArn }, signal) {
      const command = new ListStreamsCommand({
        TableName: tableName,
        ExclusiveStartStreamArn: afterStreamArn,
      });
      const { Streams = [], LastEvaluatedStreamArn } = await client.send(command, abortedBy(signal));
      return {
        streamArns: Streams.flatMap(({ StreamArn }) => StreamArn ?? []),
        lastStreamArn: LastEvaluatedStreamArn,
      };
    },
    async describeStream({ streamArn, afterShardId }, signal) {
      const command = new DescribeStreamCommand({
        StreamArn: streamArn,
        ExclusiveStartShardId: afterShardId,
      });
      const { StreamDescription } = await client.send(command, abortedBy(signal));
      const { StreamStatus, Shards = [], LastEvaluatedShardId } = StreamDescription ?? {};
      return {
        isDisabled: StreamStatus === "DISABLED",
        lastShardId: LastEvaluatedShardId,
        shards: Shards.flatMap(({ ShardId, ParentShardId, SequenceNumberRange }) =>
          ShardId === undefined
            ? []
            : {
                shardId: ShardId,
                parentShardId: ParentShardId,
                startingSequenceNumber: SequenceNumberRange?.StartingSequenceNumber,
              },
        ),
      };
    },
    async getShardIterator({ streamArn, shardId, start }, signal) {
      const command = new GetShardIteratorCommand({
        StreamArn: streamArn,
        ShardId: shardId,
        ShardIteratorType: start.type,
        SequenceNumber: start.type === "TRIM_HORIZON" ? undefined : start.sequenceNumber,
      });
      const { ShardIterator } = await client.send(command, abortedBy(signal));
      if (ShardIterator === undefined) throw new Error(`DynamoDB gave no iterator of shard ${shardId}.`);
      return ShardIterator;
    },
    async getRecords({ iterator, limit }, signal) {
      const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit });
      const { Records = [], NextShardIterator } = await client.send(command, abortedBy(signal));
      return { records: Records, nextIterator: NextShardIterator };
    },
  };
}

function abortedBy(signal: AbortSignal | undefined): { abortSignal: AbortSignal } | undefined {
  return signal && { abortSignal: signal };
}
