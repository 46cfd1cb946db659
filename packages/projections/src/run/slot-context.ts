import type { Runtime } from "@tuppence/core";
import type { Lease } from "@tuppence/core/leases";
import type { AnyEvent, BuildContext } from "../definition/projection.ts";
import type { ControlChange } from "@tuppence/core/leases";
import type { ProjectionStorage } from "../storage/projection-storage.ts";
import type { Attempts, Retry } from "@tuppence/core/failures";
import type { ProjectionGuards } from "./guards.ts";
import type { SlotRef } from "./parked-event.ts";
import type { SlotPosition } from "./slot-position.ts";

/** What the work on one slot goes with. */
export interface SlotContext {
  readonly slot: SlotRef;
  readonly slots: number;
  readonly version: number;
  readonly storage: ProjectionStorage;
  readonly runtime: Runtime;
  readonly guards: ProjectionGuards;
  readonly lease: Lease;
  /** Aborted when the slot is to be let go, or was lost. */
  readonly ending: AbortSignal;
  readonly position: SlotPosition;
  /** Whether readers see this build. */
  readonly isLive: () => boolean;
  readonly onRetry: (retry: Retry) => void;
}

export function buildContext({ slot, version, lease }: SlotContext): BuildContext {
  return { name: slot.projection, version, build: slot.build, signal: lease.lost };
}

/** How this slot tries again what fails. */
export function attemptsOf({ runtime, ending, onRetry }: SlotContext, maxAttempts: number): Attempts {
  return { runtime, ending, onRetry, maxAttempts };
}

/** Events to be handled: what follows from them is done once everything up to `upTo` counts as done. */
export interface EventBatch {
  /** In order, none of them parked or behind a parked one; but for a replay, of which there is one. */
  readonly events: readonly AnyEvent[];
  /** Everything up to here is done. */
  readonly after: number;
  readonly upTo: number;
  /** Streams of which something is parked. */
  readonly parked: ReadonlySet<string>;
  /** What goes into the transaction that moves the position, where there is one: no position of it is above `upTo`. */
  readonly changes: readonly EventChange[];
}

/** What is stored about an event in the transaction that moves the position to it or beyond: neither comes without the other. */
export interface EventChange {
  readonly position: number;
  readonly change: ControlChange;
}

/** Those that go with a position. */
export function changesUpTo(changes: readonly EventChange[], upTo: number): readonly ControlChange[] {
  return changes.filter(({ position }) => position <= upTo).map(({ change }) => change);
}

/** An event that can't be handled, or not even be read. */
export interface FailedEvent {
  readonly event: Pick<AnyEvent, "position" | "streamId" | "version" | "type">;
  readonly error: unknown;
  readonly attempts: number;
}

/** What came of a batch. */
export interface Applied {
  /** Everything up to here is done. */
  readonly upTo: number;
  /** Whether the position was moved to `upTo` with it, and the changes up to there were made. */
  readonly isMoved: boolean;
  /** The first event that can't be handled; what is before it is done. */
  readonly failed?: FailedEvent | undefined;
}

/** Does what follows from events. */
export interface Applier {
  /** @throws WorkEndedError, LeaseLostError; what fails for the moment is tried again in here. */
  apply(batch: EventBatch): Promise<Applied>;
}
