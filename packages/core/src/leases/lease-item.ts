import type { ControlItem, ControlKey, ControlUpdate } from "../control/control-storage.ts";

/**
 * How leases and members are stored, and each write to them. A lease is not deleted while anything is to be done for it: its
 * epoch goes up for ever, so that a write of an earlier owner never finds what it expects.
 */

/** A lease as its item says. */
export interface StoredLease {
  readonly owner: string | undefined;
  readonly epoch: number;
  /** Goes up with each claim, renewal and commit; only the owner knows the next one. */
  readonly beat: number;
  readonly position: string | undefined;
  /** For how long it is held after a beat. */
  readonly durationMs: number;
  /** Who asks the owner to hand it over. */
  readonly wanted: string | undefined;
}

/** A member of a group as its item says. */
export interface StoredMember {
  readonly beat: number;
  readonly durationMs: number;
}

export function leasesOf(group: string): string {
  return `LEASE|${group}`;
}

export function membersOf(group: string): string {
  return `MEMBER|${group}`;
}

/** Where the lease of a resource is. */
export function leaseKey(group: string, resource: string): ControlKey {
  return { partition: leasesOf(group), sort: resource };
}

/** What the item of a lease says. */
export function readLease(item: ControlItem): StoredLease {
  return {
    owner: textOf(item["owner"]),
    epoch: Number(item["epoch"]),
    beat: Number(item["beat"]),
    position: textOf(item["position"]),
    durationMs: Number(item["durationMs"]),
    wanted: textOf(item["wanted"]),
  };
}

export function readMember(item: ControlItem): StoredMember {
  return { beat: Number(item["beat"]), durationMs: Number(item["durationMs"]) };
}

/** Whether nothing was done with a lease in between. That somebody else wants it does not count. */
export function isSameLease(one: StoredLease, other: StoredLease): boolean {
  return (
    one.owner === other.owner &&
    one.epoch === other.epoch &&
    one.beat === other.beat &&
    one.position === other.position
  );
}

/** Takes a lease that is still as it was seen. */
export function claimUpdate(
  key: ControlKey,
  seen: StoredLease | undefined,
  claim: { readonly worker: string; readonly durationMs: number },
): ControlUpdate {
  const { owner, epoch, beat, position } = seen ?? {};
  return {
    key,
    where: { owner, epoch, beat, position },
    set: {
      owner: claim.worker,
      epoch: (epoch ?? 0) + 1,
      beat: (beat ?? 0) + 1,
      durationMs: claim.durationMs,
      wanted: undefined,
    },
  };
}

/** What the owner of a lease knows of it. */
export interface Holding {
  readonly key: ControlKey;
  readonly owner: string;
  readonly epoch: number;
}

/**
 * Keeps a lease, and moves its position if there is a new one. The last beat is expected too, so that a write that arrives
 * late changes nothing; and a move expects the position that it moves from, as a `fence` may have moved it.
 */
export function beatUpdate(
  { key, owner, epoch }: Holding,
  last: Pick<StoredLease, "beat" | "position">,
  move: LeaseMove | undefined,
): ControlUpdate {
  const where = { owner, epoch, beat: last.beat };
  const set = { beat: last.beat + 1 };
  if (move === undefined) return { key, where, set };
  const { position, finishedAt } = move;
  const ttl = finishedAt === undefined ? undefined : Math.floor(finishedAt / 1000) + FINISHED_TTL_SECONDS;
  return { key, where: { ...where, position: last.position }, set: { ...set, position, ttl } };
}

/** A new position. */
export interface LeaseMove {
  readonly position: string;
  /** Epoch milliseconds; undefined while there is more to do. */
  readonly finishedAt?: number | undefined;
}

/** How long the item of a finished lease is kept, in seconds: a week, while DynamoDB's streams keep records for a day. */
const FINISHED_TTL_SECONDS: number = 7 * 24 * 3_600;

/** Whether an item shows that a write of this owner with this beat was applied. */
export function showsBeat(item: ControlItem | undefined, { owner, epoch }: Holding, beat: number): boolean {
  return item?.["owner"] === owner && item["epoch"] === epoch && item["beat"] === beat;
}

/** Moves the position in a transaction of the caller's. The beat stays, so that renewals go on meanwhile. */
export function fenceUpdate(
  { key, owner, epoch }: Holding,
  previous: string | undefined,
  position: string,
): ControlUpdate {
  return { key, where: { owner, epoch, position: previous }, set: { position } };
}

/** Lets a lease go. Epoch and position stay. */
export function releaseUpdate({ key, owner, epoch }: Holding): ControlUpdate {
  return { key, where: { owner, epoch }, set: { owner: undefined, wanted: undefined } };
}

/** Asks the owner to hand a lease over. */
export function askUpdate({ key, owner, epoch }: Holding, worker: string): ControlUpdate {
  return { key, where: { owner, epoch }, set: { wanted: worker } };
}

/** How long the item of a member that is gone is kept, in seconds: nobody needs it once its beat stands still. */
const MEMBER_TTL_SECONDS = 3_600;

/** Says that a member is alive. */
export function memberUpdate(
  group: string,
  worker: string,
  member: StoredMember & { readonly now: number },
): ControlUpdate {
  return {
    key: { partition: membersOf(group), sort: worker },
    where: {},
    set: {
      beat: member.beat,
      durationMs: member.durationMs,
      ttl: Math.floor(member.now / 1000) + MEMBER_TTL_SECONDS,
    },
  };
}

function textOf(value: ControlItem[string] | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
