import type { ControlItem, ControlKey, ControlUpdate } from "@tuppence/core/leases";
import { buildName, RETIRED } from "./names.ts";
import type { Build } from "./registration.ts";

/** A build that is not needed any more. */
export interface RetiredBuild extends Build {
  readonly projection: string;
  readonly retiredAt: Date;
}

export function retiredKey({ projection, number }: Pick<RetiredBuild, "projection" | "number">): ControlKey {
  return { partition: RETIRED, sort: buildName(projection, number) };
}

export function retiredUpdate(retired: RetiredBuild): ControlUpdate {
  const { projection, number, version, slots, retiredAt } = retired;
  return {
    key: retiredKey(retired),
    where: {},
    set: { projection, build: number, version, slots, retiredAt: retiredAt.getTime() },
  };
}

export function readRetired({ projection, build, version, slots, retiredAt }: ControlItem): RetiredBuild {
  return {
    projection: String(projection),
    number: Number(build),
    version: Number(version),
    slots: Number(slots),
    retiredAt: new Date(Number(retiredAt)),
  };
}
