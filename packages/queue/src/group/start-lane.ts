import type { Lease, LeaseState } from "@tuppence/core/leases";
import { type GroupDefinition, laneResources, parseLaneResource } from "./group-definition.ts";
import { GROUP_GUARDS, type GroupGuards } from "./group-guards.ts";
import { type LaneState, carryOver, decodeLaneState, laneStateAt } from "./lane-state.ts";

/** What a lane is to do that somebody has the lease of. */
export type LaneStart =
  /** Go on from here. */
  | { readonly kind: "run"; readonly state: LaneState; readonly lanes: number }
  /** Others take over: stay where it is. */
  | { readonly kind: "seal"; readonly state: LaneState; readonly lanes: number }
  /** Nothing, and there is nothing left of its generation. */
  | { readonly kind: "gone" }
  /** Nothing for now. */
  | { readonly kind: "wait" };

/**
 * What a lane is to do, by the group's definition as it is now that the lane's lease is held; `leases` are all of the group, read after
 * that, where there is a generation before.
 */
export function startLane(
  group: GroupDefinition | undefined,
  { resource, position }: Pick<Lease, "resource" | "position">,
  leases: readonly LeaseState[],
  { waitsForSeals }: Pick<GroupGuards, "waitsForSeals"> = GROUP_GUARDS,
): LaneStart {
  const { generation, lane } = parseLaneResource(resource);
  if (group === undefined) return { kind: "gone" };
  const { current, previous, after } = group;
  const stored = position === undefined ? undefined : decodeLaneState(position);
  if (generation === previous?.number) {
    if (stored?.sealed) return { kind: "wait" };
    return { kind: "seal", state: stored ?? laneStateAt(after), lanes: previous.lanes };
  }
  if (generation !== current.number) return { kind: "gone" };
  if (group.retired.length > 0) return { kind: "wait" };
  const { lanes } = current;
  if (stored !== undefined) return { kind: "run", state: stored, lanes };
  if (previous === undefined) return { kind: "run", state: laneStateAt(after), lanes };
  const before = statesOf(laneResources(previous), leases).map((state) => state ?? laneStateAt(after));
  if (waitsForSeals && !before.every((state) => state.sealed)) return { kind: "wait" };
  return { kind: "run", state: carryOver(before, { lane, lanes }), lanes };
}

/** The states of lanes as they are stored, in the order of their resources. */
function statesOf(
  resources: readonly string[],
  leases: readonly Pick<LeaseState, "resource" | "position">[],
): readonly (LaneState | undefined)[] {
  const positions = new Map(leases.map(({ resource, position }) => [resource, position]));
  return resources.map((resource) => {
    const position = positions.get(resource);
    return position === undefined ? undefined : decodeLaneState(position);
  });
}
