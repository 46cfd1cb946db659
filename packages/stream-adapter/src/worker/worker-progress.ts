import type { LeaseState } from "@tuppence/core/leases";
import type { ReadingPlan, ShardRef } from "./lineage.ts";
import { isFinishedLease, leaseOfShard, shardOfLease } from "./shard-lease.ts";
import type { ReaderStatus } from "./shard-reader.ts";

/** Where a shard is. */
export interface ShardProgress extends ShardRef {
  /**
   * "waiting": for its parents, or for an older stream. "free": nobody reads it yet. "reading" and "blocked": by its owner,
   * though only the own worker knows of being blocked. "finished": to its end.
   */
  readonly state: "waiting" | "free" | "reading" | "blocked" | "finished";
  /** Who holds its lease, as its id says. */
  readonly owner: string | undefined;
  /** Whether this worker does. */
  readonly isOwn: boolean;
  /** The sequence number handled last. */
  readonly position: string | undefined;
  /** By this worker, since it got the lease. */
  readonly recordsHandled: number;
  /**
   * 0 after an empty page. Otherwise the time since the change that was handled last, in ms: its age by the service's clock
   * (which is exact to the second) and ours. Undefined when this worker doesn't read it, or has handled nothing yet.
   */
  readonly lagMs: number | undefined;
  /** Of the handler, or of a request; undefined when there was none since this worker got the lease. */
  readonly lastError: unknown;
}

export interface WorkerProgress {
  readonly shards: readonly ShardProgress[];
}

/** Puts together what is stored with what this worker knows. */
export function progressOf(
  { readable, waiting }: ReadingPlan,
  leases: readonly LeaseState[],
  own: { readonly readers: ReadonlyMap<string, ReaderStatus>; readonly now: number },
): WorkerProgress {
  const stored = new Map(leases.map((lease) => [lease.resource, lease]));
  const isWaiting = new Set(waiting.map(leaseOfShard));
  const names = new Set([...stored.keys(), ...isWaiting, ...readable.map(leaseOfShard)]);
  const shards = [...names].map((resource): ShardProgress => {
    const lease = stored.get(resource);
    const reader = own.readers.get(resource);
    return {
      ...shardOfLease(resource),
      state: stateOf(lease, reader, isWaiting.has(resource)),
      owner: lease?.owner,
      isOwn: reader !== undefined,
      position: reader?.position ?? lease?.position,
      recordsHandled: reader?.recordsHandled ?? 0,
      lagMs: reader && lagOf(reader, own.now),
      lastError: reader?.lastError,
    };
  });
  return { shards };
}

function stateOf(
  lease: LeaseState | undefined,
  reader: ReaderStatus | undefined,
  isWaiting: boolean,
): ShardProgress["state"] {
  if (reader !== undefined) return reader.isBlocked ? "blocked" : "reading";
  if (lease !== undefined && isFinishedLease(lease)) return "finished";
  if (isWaiting) return "waiting";
  return lease?.owner === undefined ? "free" : "reading";
}

function lagOf({ isAtTip, lastChangedAt }: ReaderStatus, now: number): number | undefined {
  if (isAtTip) return 0;
  return lastChangedAt === undefined ? undefined : Math.max(0, now - lastChangedAt);
}
