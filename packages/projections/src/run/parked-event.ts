import type { ControlItem, ControlKey, ControlUpdate } from "@tuppence/core/leases";
import { parkedOf } from "../builds/names.ts";

/** An event that was put aside, to be handled later. */
export interface ParkedEvent {
  readonly position: number;
  readonly streamId: string;
  readonly version: number;
  /** As it is stored. */
  readonly type: string;
  /** "failed": it could not be handled. "behind": it was not tried, as an earlier one of its stream is parked. */
  readonly reason: "failed" | "behind";
  /** What was wrong with it; undefined for one that is behind another. */
  readonly error: string | undefined;
  /** How often it was tried. */
  readonly attempts: number;
  readonly parkedAt: Date;
  /** "apply": somebody asked for it to be tried again. "skip": to be left out for good. Its slot does that when it runs. */
  readonly replay: "apply" | "skip" | undefined;
}

/** A slot of a build. */
export interface SlotRef {
  readonly projection: string;
  readonly build: number;
  readonly slot: number;
}

export function parkedKey({ projection, build, slot }: SlotRef, position: number): ControlKey {
  return { partition: parkedOf(projection, build, slot), sort: String(position).padStart(16, "0") };
}

/** Puts an event aside; repeated, it changes nothing but what is said about it. */
export function parkUpdate(slot: SlotRef, event: ParkedEvent): ControlUpdate {
  const { position, streamId, version, type, reason, error, attempts, parkedAt } = event;
  return {
    key: parkedKey(slot, position),
    where: {},
    set: {
      streamId,
      version,
      type,
      reason,
      error,
      attempts,
      parkedAt: parkedAt.getTime(),
      replay: undefined,
    },
  };
}

export function readParked(sort: string, item: ControlItem): ParkedEvent {
  const { streamId, version, type, reason, error, attempts, parkedAt, replay } = item;
  return {
    position: Number(sort),
    streamId: String(streamId),
    version: Number(version),
    type: String(type),
    reason: reason === "behind" ? "behind" : "failed",
    error: error === undefined ? undefined : String(error),
    attempts: Number(attempts),
    parkedAt: new Date(Number(parkedAt)),
    replay: replay === "apply" || replay === "skip" ? replay : undefined,
  };
}
