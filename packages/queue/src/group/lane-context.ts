import type { Lease } from "@tuppence/core/leases";
import type { QueueContext } from "../queue-context.ts";
import type { Attempts, Retry } from "@tuppence/core/failures";
import type { FailingLaneReporter } from "./failing-lane.ts";
import type { ConsumeSettings } from "./consume-options.ts";
import type { GroupGuards } from "./group-guards.ts";
import type { LaneRef } from "./group-event.ts";
import type { LaneCursor } from "./lane-cursor.ts";
import type { LaneState } from "./lane-state.ts";
import type { ParkedDetailsStore } from "./parked-details.ts";
import type { QueueFeed } from "./queue-feed.ts";
import type { Message } from "../message.ts";

/** What the work on one lane goes with. */
export interface LaneContext {
  readonly ref: LaneRef;
  readonly lanes: number;
  readonly queue: Pick<QueueContext, "reader" | "control">;
  readonly feed: QueueFeed;
  readonly settings: ConsumeSettings;
  readonly guards: GroupGuards;
  readonly lease: Lease;
  /** Aborted when the lane is to be let go, or was lost, or others take over. */
  readonly ending: AbortSignal;
  readonly cursor: LaneCursor;
  readonly details: ParkedDetailsStore;
  readonly failing: FailingLaneReporter;
  readonly onRetry: (retry: Retry) => void;
}

/** How what the lane does is tried again when it fails. */
export function attemptsOf(
  { settings: { runtime, backoff }, ending, onRetry }: LaneContext,
  maxAttempts: number,
): Attempts {
  return { runtime, backoff, ending, onRetry, maxAttempts };
}

/** Messages to be handled, and how the lane's state follows. */
export interface MessageBatch {
  readonly messages: readonly Message[];
  /** What counts as done once the last of them is; at least its position. */
  readonly upTo: number;
  /** The state when everything up to a position is done. */
  readonly stateAt: (position: number) => LaneState;
}

/** A message that can't be handled. */
export interface FailedMessage {
  readonly message: Message;
  readonly error: unknown;
  readonly attempts: number;
}
