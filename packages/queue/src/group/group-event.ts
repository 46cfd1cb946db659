import type { LeaseEvent } from "@tuppence/core/leases";

/** A lane of a consumer group. */
export interface LaneRef {
  readonly queue: string;
  readonly group: string;
  /** From 0. */
  readonly lane: number;
  /** Goes up whenever the lanes are changed or the group is reset. */
  readonly generation: number;
}

/** What happens to a consumer, for those who operate it. */
export type GroupEvent =
  /** This process has the lane now, and begins behind its cursor. */
  | (LaneRef & { readonly type: "laneStarted"; readonly position: number })
  /** For another process, because this one stops, or as other lanes take over. */
  | (LaneRef & { readonly type: "laneStopped"; readonly position: number })
  | (LaneRef & {
      readonly type: "handled";
      readonly messages: number;
      /** The cursor is here now. */
      readonly position: number;
      readonly durationMs: number;
      /** How long ago the newest of them was enqueued, in ms, by two machines' clocks. */
      readonly lagMs: number;
    })
  /** The end of the queue is reached; told again only after there was more. */
  | (LaneRef & { readonly type: "caughtUp"; readonly position: number })
  /** Something failed and is tried again. */
  | (LaneRef & {
      readonly type: "retrying";
      readonly error: unknown;
      readonly attempt: number;
      readonly pauseMs: number;
    })
  /** The lane stands still at this message until it can be handled. */
  | (LaneRef & {
      readonly type: "blocked";
      readonly position: number;
      readonly error: unknown;
      readonly pauseMs: number;
    })
  /** A message was put aside: `error` says why; undefined for one that waits behind another of its key. */
  | (LaneRef & {
      readonly type: "parked";
      readonly position: number;
      readonly error: unknown;
      readonly attempts: number;
    })
  /** A parked message was handled, or left out as somebody asked for. */
  | (LaneRef & { readonly type: "redriven"; readonly position: number; readonly skipped: boolean })
  /** A parked message failed again, and stays. */
  | (LaneRef & { readonly type: "redriveFailed"; readonly position: number; readonly error: unknown })
  /** A message that can't be handled was left out, as `onFailure` says. */
  | (LaneRef & { readonly type: "skipped"; readonly position: number; readonly error: unknown })
  /** What a lane fails at could not be stored for others to see. */
  | (LaneRef & { readonly type: "reportFailed"; readonly error: unknown })
  /** Leases come and go; what fails in between is told here, and tried again. */
  | { readonly type: "lease"; readonly queue: string; readonly group: string; readonly event: LeaseEvent };
