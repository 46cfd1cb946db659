import { leaseKey, readLease } from "@tuppence/core/leases";
import { LEASE_GROUP, slotResource } from "../builds/names.ts";
import type { Registration } from "../builds/registration.ts";
import { parkedKey } from "../run/parked-event.ts";
import type { ProjectionStorage } from "../storage/projection-storage.ts";

/** Whether everything up to a position is done in a slot of the live build, or parked. Cost: 1 RCU, strongly consistent. */
export async function hasSlotPassed(
  { control }: Pick<ProjectionStorage, "control">,
  { name, live, startPosition }: Registration,
  at: { readonly slot: number; readonly position: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  const key = leaseKey(LEASE_GROUP, slotResource(name, live.number, at.slot));
  const item = await control.find(key, at.signal);
  const stored = item && readLease(item).position;
  return at.position <= (stored === undefined ? startPosition : Number(stored));
}

/**
 * Whether an event that a slot has passed is parked; if not, it was handled, or skipped. Cost: 1 RCU, strongly consistent.
 *
 * It was parked together with the move of the slot's position, and is not parked any more once it was handled.
 */
export async function isParked(
  { control }: Pick<ProjectionStorage, "control">,
  { name, live }: Registration,
  at: { readonly slot: number; readonly position: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  const slot = { projection: name, build: live.number, slot: at.slot };
  return (await control.find(parkedKey(slot, at.position), at.signal)) !== undefined;
}
