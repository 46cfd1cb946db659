/** What happens to the leases of one process. */
export type LeaseEvent =
  | { readonly type: "acquired"; readonly resource: string; readonly epoch: number }
  /** Its work has ended, and anybody may take it. */
  | { readonly type: "released"; readonly resource: string; readonly epoch: number }
  /** "taken": another process holds it. "expired": it could not be renewed in time, by the own clock. */
  | {
      readonly type: "lost";
      readonly resource: string;
      readonly epoch: number;
      readonly reason: "taken" | "expired";
    }
  /** `run` failed; the lease is let go, and not taken again by this process for `pauseMs`. */
  | {
      readonly type: "runFailed";
      readonly resource: string;
      readonly epoch: number;
      readonly error: unknown;
      readonly pauseMs: number;
    }
  /** A lease could not be renewed or let go: renewing is tried again until it is over. */
  | {
      readonly type: "requestFailed";
      readonly resource: string;
      readonly epoch: number;
      readonly error: unknown;
    }
  /** Looking for leases to take failed, at least in part: it is tried again in the next round. */
  | { readonly type: "roundFailed"; readonly error: unknown };
