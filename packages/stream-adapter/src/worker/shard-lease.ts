import type { LeaseState } from "@tuppence/core/leases";
import type { ShardRef } from "./lineage.ts";

/** The position of a shard that was read to its end. All others are the sequence number handled last. */
export const SHARD_END = "SHARD_END";

const SEPARATOR = "#";

/** The name of a shard's lease. It has the stream's ARN: a stream that is enabled again has other shards. */
export function leaseOfShard({ streamArn, shardId }: ShardRef): string {
  return `${streamArn}${SEPARATOR}${shardId}`;
}

export function shardOfLease(resource: string): ShardRef {
  const at = resource.lastIndexOf(SEPARATOR);
  return { streamArn: resource.slice(0, at), shardId: resource.slice(at + SEPARATOR.length) };
}

export function isFinishedLease({ position }: Pick<LeaseState, "position">): boolean {
  return position === SHARD_END;
}
