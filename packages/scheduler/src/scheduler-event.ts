import type { LeaseEvent } from "@tuppence/core/leases";
import type { ExecutionRecord } from "./destinations/execution-record.ts";

/** What happens while schedules fire, for those who watch. */
export type SchedulerEvent =
  /** A target has taken an occurrence. */
  | FiredEvent
  /** An attempt failed, and another one will be made. */
  | {
      readonly type: "retrying";
      readonly id: string;
      readonly name: string | undefined;
      readonly target: string;
      readonly attempt: number;
      readonly error: unknown;
      readonly retryAt: Date;
    }
  /** An occurrence is put aside until somebody replays it. */
  | {
      readonly type: "parked";
      readonly id: string;
      readonly name: string | undefined;
      readonly target: string;
      readonly attempt: number;
      readonly error: unknown;
    }
  /** A policy of the series passed over an occurrence. */
  | { readonly type: "skipped"; readonly id: string; readonly name: string | undefined }
  /** An attempt took longer than its claim lasted, and somebody else has begun another one. */
  | { readonly type: "overtaken"; readonly id: string; readonly target: string }
  /** What became of an occurrence could not be told to the destination of its target. */
  | {
      readonly type: "destinationFailed";
      readonly id: string;
      readonly target: string;
      readonly record: ExecutionRecord;
      readonly error: unknown;
    }
  /** This process does not have the target of a schedule that is due. */
  | { readonly type: "targetMissing"; readonly id: string; readonly target: string }
  /** A relay did not take wake-ups: what they were for is fired by doorbells, later. */
  | { readonly type: "relayFailed"; readonly shard: number; readonly error: unknown }
  /** DynamoDB could not be asked; it is tried again. */
  | { readonly type: "requestFailed"; readonly shard: number; readonly error: unknown }
  /** DynamoDB does not let this process change, or look at, many items in one request, for want of a permission, say: told once each, and done one by one from then on. */
  | { readonly type: "batchesRefused"; readonly error: unknown }
  | { readonly type: "lease"; readonly event: LeaseEvent };

export interface FiredEvent {
  readonly type: "fired";
  readonly id: string;
  readonly name: string | undefined;
  readonly target: string;
  readonly attempt: number;
  /** How long after its time the attempt began, in milliseconds. */
  readonly lateMs: number;
}
