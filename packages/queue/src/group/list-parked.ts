import { leaseGroupOf } from "../names.ts";
import type { QueueContext } from "../queue-context.ts";
import { type GroupDefinition, laneResources, parseLaneResource } from "./group-definition.ts";
import { decodeLaneState, laneOfParked, type LaneState, SINGLE } from "./lane-state.ts";
import { type ParkedDetails, ParkedDetailsStore, type ParkedFailure } from "./parked-details.ts";

/** A message that a group put aside. */
export interface ParkedMessage {
  readonly position: number;
  readonly key: string | undefined;
  /** `failed`: it could not be handled. `behind`: it was not tried, as an earlier one of its key is parked. */
  readonly reason: "failed" | "behind";
  /** Each time that it could not be handled, the newest last; the last 10. */
  readonly failures: readonly ParkedFailure[];
  /** `asked`: somebody asked for it, and its lane will do it. `redriving`: its lane is at it, or at those of its key before it. */
  readonly redrive: "no" | "asked" | "redriving";
  readonly lane: number;
}

/** The lanes of a group that count, as they are stored. */
export interface StoredLane {
  readonly lane: number;
  readonly generation: number;
  readonly owner: string | undefined;
  /** Undefined when it was never begun. */
  readonly state: LaneState | undefined;
}

export interface StoredLanes {
  readonly current: readonly StoredLane[];
  readonly previous: readonly StoredLane[];
}

/** Those of the current generation, and of the one before as long as they are not all taken over. Cost: 1 RCU for each 4 KB. */
export async function storedLanes(
  { control, name }: Pick<QueueContext, "control" | "name">,
  group: GroupDefinition,
  signal?: AbortSignal,
): Promise<StoredLanes> {
  const partition = `LEASE|${leaseGroupOf(name, group.name)}`;
  const items = await control.list(partition, { consistency: "strong", signal });
  const lanesOf = (resources: readonly string[]): readonly StoredLane[] =>
    resources.map((resource) => {
      const { owner, position } = items.get(resource) ?? {};
      return {
        ...parseLaneResource(resource),
        owner: owner === undefined ? undefined : String(owner),
        state: position === undefined ? undefined : decodeLaneState(String(position)),
      };
    });
  return {
    current: lanesOf(laneResources(group.current)),
    previous: group.previous === undefined ? [] : lanesOf(laneResources(group.previous)),
  };
}

/** Messages of a key that wait for the first of them, or a single one. */
export interface ParkedChain {
  /** Short key, or `SINGLE`. */
  readonly short: string;
  /** In their order; at least one. */
  readonly messages: readonly ParkedMessage[];
}

/** All that is parked, in the order of the queue. */
export async function listParked(
  context: Pick<QueueContext, "control" | "name">,
  group: GroupDefinition,
  signal?: AbortSignal,
): Promise<readonly ParkedMessage[]> {
  const chains = await parkedChains(context, group, signal);
  return chains.flatMap(({ messages }) => messages).toSorted((one, other) => one.position - other.position);
}

export async function parkedChains(
  context: Pick<QueueContext, "control" | "name">,
  group: GroupDefinition,
  signal?: AbortSignal,
): Promise<readonly ParkedChain[]> {
  const store = new ParkedDetailsStore(context.control, { queue: context.name, group: group.name });
  // What is asked for moves from the details into the lane's state; why something is parked is in the details before the state says that it is.
  const asked = new Map((await store.list(signal)).map((each) => [each.position, each.asked]));
  const { current, previous } = await storedLanes(context, group, signal);
  const known = (await store.list(signal)).map((each) => ({
    ...each,
    asked: each.asked ?? asked.get(each.position),
  }));
  const details = new Map(known.map((each) => [each.position, each]));
  const isTakenOver = ({ short }: ParkedChain): boolean =>
    current[laneOfParked(short, current.length)]?.state !== undefined;
  return [
    ...previous.flatMap((lane) => chainsOf(lane, details)).filter((chain) => !isTakenOver(chain)),
    ...current.flatMap((lane) => chainsOf(lane, details)),
  ];
}

function chainsOf(
  { lane, state }: StoredLane,
  details: ReadonlyMap<number, ParkedDetails>,
): readonly ParkedChain[] {
  if (state === undefined) return [];
  const { redriven } = state;
  return [...state.parked].flatMap(([short, positions]): readonly ParkedChain[] => {
    if (short === SINGLE) {
      return positions.map((position) => {
        const isRedriven = redriven.has(position);
        return {
          short,
          messages: [parkedMessage(position, { lane, isRedriven, details: details.get(position) })],
        };
      });
    }
    const known = positions.map((position) => details.get(position));
    const key = known.find((each) => each?.key !== undefined)?.key;
    const messages = positions.map((position, index) => {
      const own = parkedMessage(position, { lane, isRedriven: redriven.has(short), details: known[index] });
      return { ...own, key };
    });
    return [{ short, messages }];
  });
}

function parkedMessage(
  position: number,
  known: { readonly lane: number; readonly isRedriven: boolean; readonly details: ParkedDetails | undefined },
): ParkedMessage {
  const { lane, isRedriven, details } = known;
  const { key, failures = [], asked } = details ?? {};
  const redrive = isRedriven ? "redriving" : asked ? "asked" : "no";
  return { position, key, reason: failures.length > 0 ? "failed" : "behind", failures, redrive, lane };
}
