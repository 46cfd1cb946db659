/**
 * Which shards may be read now. DynamoDB keeps the order of an item's changes within a shard, and from a shard to its
 * children; so a shard is read when its parent is finished, and a stream when those that the table had before are.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing
 */

/** A shard as the service describes it, or as something else names it: then the rest is not known. */
export interface Shard {
  readonly shardId: string;
  readonly parentShardId?: string | undefined;
  readonly startingSequenceNumber?: string | undefined;
  /** It is there, but no listing showed it yet: its own parents are not known. */
  readonly isHidden?: boolean | undefined;
}

/** What is known of a stream: what the service lists, and unfinished shards that it lists no more. */
export interface StreamView {
  readonly streamArn: string;
  /** Whether no more shards will come. */
  readonly isDisabled: boolean;
  readonly shards: ReadonlyMap<string, Shard>;
}

/** A shard of a stream. */
export interface ShardRef {
  readonly streamArn: string;
  readonly shardId: string;
}

/** A shard to be read. */
export interface ReadableShard extends ShardRef {
  readonly startingSequenceNumber: string | undefined;
  /** The parent is not in the stream any more, and was not finished by this group: what it had is not known. */
  readonly isParentGone: boolean;
}

export interface ReadingPlan {
  readonly readable: readonly ReadableShard[];
  /** Shards whose turn has not come. */
  readonly waiting: readonly ShardRef[];
}

/** Streams of one table from the oldest to the newest, by the label at the end of the ARN: the time of their creation. */
export function oldestFirst<Stream extends { readonly streamArn: string }>(
  streams: readonly Stream[],
): Stream[] {
  return streams.toSorted((one, other) => (one.streamArn < other.streamArn ? -1 : 1));
}

/**
 * Decides what may be read now. Whether a parent is closed plays no part: it is finished when a reader came to its end, so
 * neither a parent that still looks open nor a closed one whose children are not listed yet can mislead.
 */
export function planReading(
  streams: readonly StreamView[],
  isFinished: (shard: ShardRef) => boolean,
): ReadingPlan {
  const readable: ReadableShard[] = [];
  const waiting: ShardRef[] = [];
  let areOlderDone = true;
  for (const { streamArn, isDisabled, shards } of oldestFirst(streams)) {
    const unfinished = [...shards.values()].filter(({ shardId }) => !isFinished({ streamArn, shardId }));
    for (const { shardId, parentShardId, startingSequenceNumber, isHidden } of unfinished) {
      const isParentFinished =
        parentShardId === undefined || isFinished({ streamArn, shardId: parentShardId });
      const isParentGone = !isParentFinished && !shards.has(parentShardId);
      if (areOlderDone && !isHidden && (isParentFinished || isParentGone)) {
        readable.push({ streamArn, shardId, startingSequenceNumber, isParentGone });
      } else {
        waiting.push({ streamArn, shardId });
      }
    }
    areOlderDone &&= isDisabled && unfinished.length === 0;
  }
  return { readable, waiting };
}

/** Parents that shards name, and that are neither listed nor finished. */
export function unknownParents(
  { streamArn, shards }: StreamView,
  isFinished: (shard: ShardRef) => boolean,
): string[] {
  const named = [...shards.values()].flatMap(({ parentShardId }) => parentShardId ?? []);
  return [...new Set(named)].filter((shardId) => !shards.has(shardId) && !isFinished({ streamArn, shardId }));
}
