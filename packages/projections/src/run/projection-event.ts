import type { LeaseEvent } from "@tuppence/core/leases";
import type { ParkedEvent, SlotRef } from "./parked-event.ts";

/** What happens to the projections of a worker, for those who operate it. */
export type ProjectionEvent =
  /** A slot begins here, behind its position. */
  | (SlotRef & { readonly type: "slotStarted"; readonly position: number })
  /** Its work ended, for another process or because this one stops. */
  | (SlotRef & { readonly type: "slotStopped"; readonly position: number })
  | (SlotRef & {
      readonly type: "batchHandled";
      /** Events handled; what was passed over is not counted. */
      readonly events: number;
      /** Positions moved over. */
      readonly positions: number;
      readonly position: number;
      readonly durationMs: number;
      /** How long ago the newest of them was recorded, in ms, by two machines' clocks. */
      readonly lagMs: number | undefined;
    })
  /** The end of the log is reached; told again only after there was more. */
  | (SlotRef & { readonly type: "caughtUp"; readonly position: number })
  /** Something failed and is tried again. */
  | (SlotRef & {
      readonly type: "retrying";
      readonly error: unknown;
      readonly attempt: number;
      readonly pauseMs: number;
    })
  | (SlotRef & { readonly type: "parked"; readonly event: ParkedEvent })
  /** A parked event was handled, or left out if it was asked to be. */
  | (SlotRef & { readonly type: "replayed"; readonly event: ParkedEvent; readonly skipped: boolean })
  /** An event that can't be handled was left out, as `onFailure` says. */
  | (SlotRef & { readonly type: "skipped"; readonly position: number; readonly error: unknown })
  /** It stands still at this event until that succeeds. */
  | (SlotRef & {
      readonly type: "halted";
      readonly position: number;
      readonly error: unknown;
      readonly pauseMs: number;
    })
  /** A build has become the one that readers see. */
  | (Omit<SlotRef, "slot"> & { readonly type: "flipped" })
  /** A build that is not needed any more was taken away. */
  | (Omit<SlotRef, "slot"> & { readonly type: "retired" })
  /** A projection could not be registered, so it is not run; that is tried again. */
  | { readonly type: "registrationFailed"; readonly projection: string; readonly error: unknown }
  | { readonly type: "lease"; readonly event: LeaseEvent };
