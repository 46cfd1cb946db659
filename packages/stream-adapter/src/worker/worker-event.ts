import type { LeaseEvent } from "@tuppence/core/leases";
import type { ShardRef } from "./lineage.ts";

/** Records of a shard that were not read, and can't be any more. */
export interface Gap extends ShardRef {
  /**
   * "trimmed": the records after the position are not kept any more. "shardGone": the shard isn't; when nothing of it was
   * handled, what its parents had may be lost too. "parentGone": the shard follows one that this group has not finished and
   * that is not kept any more: a group that begins late sees it once for each lineage, and one that was away for a day.
   */
  readonly reason: "trimmed" | "shardGone" | "parentGone";
  /** What was handled last before the gap; undefined when nothing of this shard was. */
  readonly afterSequenceNumber: string | undefined;
  /** What follows the gap; undefined when there is nothing yet, or never will be. */
  readonly untilSequenceNumber: string | undefined;
}

/** What happens in a worker, for those who operate it. */
export type WorkerEvent =
  | (ShardRef & { readonly type: "shardStarted"; readonly position: string | undefined })
  | (ShardRef & {
      readonly type: "batchHandled";
      readonly records: number;
      readonly position: string;
      /** How long the handler took, in ms. */
      readonly handlerMs: number;
      /** How long ago the last of them was changed, in ms, about and by two machines' clocks; undefined when it does not say. */
      readonly lagMs: number | undefined;
    })
  /** There was nothing more to read; told again only after there was. */
  | (ShardRef & { readonly type: "caughtUp" })
  /** It was read to its end, and its children may be read. */
  | (ShardRef & { readonly type: "shardFinished" })
  /** The lease was let go, for another worker or because this one stops. */
  | (ShardRef & { readonly type: "shardReleased"; readonly position: string | undefined })
  | (ShardRef & { readonly type: "leaseLost" })
  /** The handler, or `onGap`, failed: the shard stands still until it succeeds. */
  | (ShardRef & {
      readonly type: "blocked";
      /** Failures at this record in a row. */
      readonly attempt: number;
      /** The first record that is not done; undefined when it is a gap that can't be reported. */
      readonly sequenceNumber: string | undefined;
      readonly error: unknown;
      readonly pauseMs: number;
    })
  | (Gap & { readonly type: "gap" })
  /** A request failed and is tried again. */
  | {
      readonly type: "requestFailed";
      readonly request: "discovery" | "records" | "commit";
      readonly shard: ShardRef | undefined;
      readonly isThrottle: boolean;
      readonly attempt: number;
      readonly error: unknown;
    }
  /** Leases could not be looked at, renewed or let go; that is tried again. */
  | {
      readonly type: "leaseFailed";
      readonly event: Extract<LeaseEvent, { readonly type: "roundFailed" | "requestFailed" }>;
    }
  /** The table has no stream; the worker waits for one. */
  | { readonly type: "noStream"; readonly tableName: string }
  /** The stream was disabled and enabled again. The old one is read to its end first. */
  | { readonly type: "streamReplaced"; readonly oldStreamArn: string; readonly newStreamArn: string }
  /** The worker can't go on and stops. */
  | { readonly type: "failed"; readonly error: unknown };
