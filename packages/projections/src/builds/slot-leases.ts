import type { ControlItem, ControlStorage, ControlUpdate } from "@tuppence/core/leases";
import { LEASE_GROUP, slotResource } from "./names.ts";
import type { Build, Registration } from "./registration.ts";

/** The lease of a slot, as far as builds are concerned. */
export interface SlotLease {
  readonly resource: string;
  readonly owner: string | undefined;
  /** 0: there was no owner yet, and there is no item. */
  readonly epoch: number;
  /** As it is stored: decimal; undefined before the first. */
  readonly position: string | undefined;
}

/** The partition in which the group's leases are. */
const LEASES = `LEASE|${LEASE_GROUP}`;

/** The leases of all slots of all projections, by their resources. */
export type SlotLeases = ReadonlyMap<string, ControlItem>;

/** Cost: 1 RCU for each 4 KB, some 25 leases; half of that if eventually consistent. */
export function readSlotLeases(
  storage: ControlStorage,
  consistency: "strong" | "eventual",
): Promise<SlotLeases> {
  return storage.list(LEASES, { consistency });
}

/** The leases of a build: one for each slot, in their order. */
export function leasesOfBuild(leases: SlotLeases, projection: string, build: Build): readonly SlotLease[] {
  return Array.from({ length: build.slots }, (_, slot) => {
    const resource = slotResource(projection, build.number, slot);
    const { owner, epoch, position } = leases.get(resource) ?? {};
    return {
      resource,
      owner: owner === undefined ? undefined : String(owner),
      epoch: Number(epoch ?? 0),
      position: position === undefined ? undefined : String(position),
    };
  });
}

/** Everything up to this position is handled in a slot. */
export function slotPosition(
  { position }: SlotLease,
  { startPosition }: Pick<Registration, "startPosition">,
): number {
  return position === undefined ? startPosition : Number(position);
}

/** Everything up to this position is handled in all slots. */
export function buildPosition(
  leases: readonly SlotLease[],
  registration: Pick<Registration, "startPosition">,
): number {
  return Math.min(...leases.map((lease) => slotPosition(lease, registration)));
}

/** Takes a lease from whoever has it, if nobody else got it meanwhile. Nothing of what its owner still sends is applied then. */
export function fenceUpdate(
  lease: SlotLease,
  options: {
    /** Whether the position has to be what it was, too. */
    readonly expectsPosition?: boolean | undefined;
    /** When its item may be deleted, in epoch seconds. */
    readonly ttl?: number | undefined;
  } = {},
): ControlUpdate {
  const { resource, epoch, position } = lease;
  const { expectsPosition = false, ttl } = options;
  return {
    key: { partition: LEASES, sort: resource },
    where: { epoch: epoch === 0 ? undefined : epoch, ...(expectsPosition && { position }) },
    set: {
      epoch: epoch + 1,
      owner: undefined,
      wanted: undefined,
      ...(epoch === 0 && { beat: 0, durationMs: 0 }),
      ...(ttl !== undefined && { ttl }),
    },
  };
}
