import type { ControlItem } from "@tuppence/core/leases";
import type { Projection } from "../definition/projection.ts";

/** One materialisation of a projection. */
export interface Build {
  /** Among all of its projection, from 1. A build that has been given up never comes back. */
  readonly number: number;
  readonly version: number;
  readonly slots: number;
}

/** What is known of a projection beside its definition. */
export interface Registration {
  readonly name: string;
  readonly kind: Projection["kind"];
  /** The build that readers see. */
  readonly live: Build;
  /** The one that is being built beside it. */
  readonly next: Build | undefined;
  /** Events a second, and slot, that the next one is built with at most; undefined: no limit. */
  readonly nextRate: number | undefined;
  readonly paused: boolean;
  /** Every build begins behind this position. */
  readonly startPosition: number;
  /** How many builds there were. */
  readonly builds: number;
  /** Goes up with each change. */
  readonly revision: number;
}

/** A registration as it is stored. */
export function registrationItem(
  registration: Registration,
): Readonly<Record<string, string | number | undefined>> {
  const { kind, live, next, nextRate, paused, startPosition, builds, revision } = registration;
  return {
    kind,
    live: live.number,
    liveVersion: live.version,
    liveSlots: live.slots,
    next: next?.number,
    nextVersion: next?.version,
    nextSlots: next?.slots,
    nextRate,
    paused: paused ? 1 : 0,
    startPosition,
    builds,
    revision,
  };
}

export function readRegistration(name: string, item: ControlItem): Registration {
  const optional = (field: string): number | undefined =>
    item[field] === undefined ? undefined : Number(item[field]);
  const next = optional("next");
  return {
    name,
    kind: item["kind"] as Registration["kind"],
    live: {
      number: Number(item["live"]),
      version: Number(item["liveVersion"]),
      slots: Number(item["liveSlots"]),
    },
    next:
      next === undefined
        ? undefined
        : { number: next, version: Number(item["nextVersion"]), slots: Number(item["nextSlots"]) },
    nextRate: optional("nextRate"),
    paused: item["paused"] === 1,
    startPosition: Number(item["startPosition"]),
    builds: Number(item["builds"]),
    revision: Number(item["revision"]),
  };
}
