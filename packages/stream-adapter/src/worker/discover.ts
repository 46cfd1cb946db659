import { type Shard, type ShardRef, type StreamView, unknownParents } from "./lineage.ts";
import type { StreamsApi } from "./streams-api.ts";
import { kindOfStreamsError } from "./streams-error.ts";

/** Pages of one listing: 100 shards each, so far more than a table has in a day. */
const MAX_PAGES = 1_000;

/** What a worker knows beside what the service tells it. */
export interface KnownShards {
  /** Unfinished shards that were listed before, or that the group has leases for, by their streams' ARNs. */
  readonly unfinished: ReadonlyMap<string, readonly Shard[]>;
  readonly isFinished: (shard: ShardRef) => boolean;
}

/**
 * Lists the streams of a table with their shards. Pages of a listing are of different moments, so a shard that it lacks
 * need not be gone: what is not finished stays, and reading it will tell.
 *
 * Cost: nothing is billed; 10 calls a second of DescribeStream are allowed.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
 */
export async function discoverStreams(
  api: StreamsApi,
  tableName: string,
  known: KnownShards,
): Promise<StreamView[]> {
  const listed = await listStreams(api, tableName);
  const arns = new Set([...listed, ...known.unfinished.keys()]);
  const views: StreamView[] = [];
  for (const streamArn of arns) {
    const described = await describeStream(api, streamArn);
    const shards = new Map(described.shards);
    for (const shard of known.unfinished.get(streamArn) ?? []) {
      if (!shards.has(shard.shardId)) shards.set(shard.shardId, shard);
    }
    const view = { streamArn, isDisabled: described.isDisabled, shards };
    await addHiddenParents(api, view, known.isFinished);
    views.push(view);
  }
  return views;
}

async function listStreams(api: StreamsApi, tableName: string): Promise<string[]> {
  const arns: string[] = [];
  let afterStreamArn: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { streamArns, lastStreamArn } = await api.listStreams({ tableName, afterStreamArn }, undefined);
    arns.push(...streamArns);
    if (lastStreamArn === undefined) return arns;
    afterStreamArn = lastStreamArn;
  }
  throw new RangeError(`The list of the streams of ${tableName} has more than ${MAX_PAGES} pages.`);
}

async function describeStream(api: StreamsApi, streamArn: string): Promise<StreamView> {
  const shards = new Map<string, Shard>();
  let afterShardId: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    let described: Awaited<ReturnType<StreamsApi["describeStream"]>>;
    try {
      described = await api.describeStream({ streamArn, afterShardId }, undefined);
    } catch (error) {
      if (kindOfStreamsError(error) !== "gone") throw error;
      return { streamArn, isDisabled: true, shards };
    }
    for (const shard of described.shards) shards.set(shard.shardId, shard);
    if (described.lastShardId === undefined) return { streamArn, isDisabled: described.isDisabled, shards };
    afterShardId = described.lastShardId;
  }
  throw new RangeError(`The description of ${streamArn} has more than ${MAX_PAGES} pages.`);
}

/** A parent that was not listed may be there nevertheless, and its children would come before it: the service is asked. */
async function addHiddenParents(
  api: StreamsApi,
  view: StreamView & { readonly shards: Map<string, Shard> },
  isFinished: (shard: ShardRef) => boolean,
): Promise<void> {
  const { streamArn, shards } = view;
  for (const shardId of unknownParents(view, isFinished)) {
    try {
      await api.getShardIterator({ streamArn, shardId, start: { type: "TRIM_HORIZON" } }, undefined);
      shards.set(shardId, { shardId, isHidden: true });
    } catch (error) {
      const kind = kindOfStreamsError(error);
      if (kind !== "gone" && kind !== "trimmed") throw error;
    }
  }
}
