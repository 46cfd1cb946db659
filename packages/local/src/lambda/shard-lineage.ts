/** One shard as DescribeStream tells it. */
export interface Shard {
  readonly id: string;
  readonly parentId: string | undefined;
  /** Nothing is written to it any more. */
  readonly closed: boolean;
}

/** Returns the shards to read now: not finished themselves, and their parents finished or gone. */
export function readableShards(shards: readonly Shard[], finished: ReadonlySet<string>): readonly Shard[] {
  const listed = new Set(shards.map((shard) => shard.id));
  return shards.filter(
    ({ id, parentId }) =>
      !finished.has(id) && (parentId === undefined || !listed.has(parentId) || finished.has(parentId)),
  );
}
