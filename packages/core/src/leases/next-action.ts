import type { StoredLease } from "./lease-item.ts";

/** What a worker knows of a lease that it does not hold. */
export interface LeaseView {
  /** As it was seen last; undefined when there is no such item yet. */
  readonly stored: StoredLease | undefined;
  /** For how long it has been seen like that, by the own monotonic clock. */
  readonly unchangedMs: number;
  readonly me: string;
  /** Whose it is to be, of all that are alive. */
  readonly rendezvous: string | undefined;
  /** The members that are alive. */
  readonly members: ReadonlySet<string>;
  /** Whether this worker let it go, as it was asked to, and nobody has taken it since. */
  readonly handedOver: boolean;
  /** The own one, for what is not stored yet. */
  readonly durationMs: number;
}

/**
 * "claim": take it now. "ask": tell its owner, who is alive, to hand it over. "wait": leave it alone.
 *
 * What has no owner is claimed at once, and what has one when it has stood still for as long as it is held after a
 * beat: by the worker whose it is to be, or, when that one does nothing for another such period, by whoever sees it.
 */
export function nextAction(view: LeaseView, guards: LeaseGuards = LEASE_GUARDS): "claim" | "ask" | "wait" {
  const { stored, me, unchangedMs } = view;
  const durationMs = stored?.durationMs ?? view.durationMs;
  const isToBeMine = view.rendezvous === me && !view.handedOver;
  // The own name on a lease that isn't held: a claim whose reply was lost, or one that this process slept through.
  const hasNoOwner = stored?.owner === undefined || stored.owner === me;
  const freeForMs = hasNoOwner ? unchangedMs : guards.overdueMs(stored, unchangedMs);
  if (freeForMs >= (isToBeMine ? 0 : durationMs)) return "claim";
  const isAskable = !hasNoOwner && view.members.has(stored.owner) && stored.wanted !== me;
  return isToBeMine && isAskable ? "ask" : "wait";
}

/** What keeps leases safe, as a value: tests switch each part off to see that it is needed. */
export interface LeaseGuards {
  /** For how long a lease has been over, as far as the observer can know; negative while it may be held. */
  readonly overdueMs: (stored: StoredLease, unchangedMs: number) => number;
  /** Whether an owner stops believing in its lease when the own clock says that it is over. */
  readonly watchesClock: boolean;
}

export const LEASE_GUARDS: LeaseGuards = {
  overdueMs: (stored, unchangedMs) => unchangedMs - stored.durationMs,
  watchesClock: true,
};
