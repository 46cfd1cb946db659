import type { ControlItem, ControlKey, ControlUpdate } from "@tuppence/core/leases";
import { buildName, RETIRED } from "./names.ts";
import type { Build, Registration } from "./registration.ts";

/** A build that is not needed any more. */
export interface RetiredBuild extends Build {
  readonly projection: string;
  readonly kind: Registration["kind"];
  readonly retiredAt: Date;
}

export function retiredKey({ projection, number }: Pick<RetiredBuild, "projection" | "number">): ControlKey {
  return { partition: RETIRED, sort: buildName(projection, number) };
}

export function retiredUpdate(retired: RetiredBuild): ControlUpdate {
  const { projection, kind, number, version, slots, retiredAt } = retired;
  return {
    key: retiredKey(retired),
    where: {},
    set: { projection, kind, build: number, version, slots, retiredAt: retiredAt.getTime() },
  };
}

export function readRetired({
  projection,
  kind,
  build,
  version,
  slots,
  retiredAt,
}: ControlItem): RetiredBuild {
  return {
    projection: String(projection),
    kind: kind as RetiredBuild["kind"],
    number: Number(build),
    version: Number(version),
    slots: Number(slots),
    retiredAt: new Date(Number(retiredAt)),
  };
}
