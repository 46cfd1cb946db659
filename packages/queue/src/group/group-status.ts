import type { Message } from "../message.ts";
import { failingPartition } from "../names.ts";
import type { QueueContext } from "../queue-context.ts";
import { type FailingLane, readFailing } from "./failing-lane.ts";
import type { GroupDefinition } from "./group-definition.ts";
import { laneOf } from "./lane-of.ts";
import { lowestNeeded, parkedCount, wasDone } from "./lane-state.ts";
import { type StoredLane, type StoredLanes, storedLanes } from "./list-parked.ts";

export interface LaneStatus {
  readonly lane: number;
  /** The `workerId` of the process that has it; undefined while nobody does. */
  readonly owner: string | undefined;
  /** Everything of the lane up to here is done, but for what is parked. */
  readonly position: number;
  readonly parked: number;
  /** What it can't do at the moment. */
  readonly failing: FailingLane | undefined;
}

/** How far a group is. */
export interface GroupStatus {
  readonly group: string;
  readonly createdAt: Date;
  /** Everything up to here is done in all lanes, but for what is parked. */
  readonly position: number;
  /** The last position of the queue. */
  readonly tail: number;
  /** Messages that are not done, parked ones not counted: exact with `isExact`, otherwise not more than this. */
  readonly depth: number;
  /** False when the lanes are more than 10,000 positions apart, or when what one needs was trimmed. */
  readonly isExact: boolean;
  /** Positions from the slowest lane to the tail. */
  readonly lag: number;
  /** When the oldest message that is neither done nor parked was enqueued; undefined when there is none. */
  readonly oldestAt: Date | undefined;
  /** How long ago that was, in ms; 0 when there is none. */
  readonly ageMs: number;
  readonly parked: number;
  /** Whether a change of lanes is under way: the lanes told of are the new ones. */
  readonly isChangingLanes: boolean;
  readonly lanes: readonly LaneStatus[];
}

/** Positions that are read to see what is done, where lanes are apart. */
const MAX_COUNTED = 10_000;

/**
 * Cost: about 6 requests, strongly consistent; what lies between the slowest and the fastest lane is read to count it.
 */
export async function readGroupStatus(context: QueueContext, group: GroupDefinition): Promise<GroupStatus> {
  const { control, reader, runtime, name } = context;
  const [lanes, failing] = await Promise.all([
    storedLanes(context, group),
    control.list(failingPartition(name, group.name), { consistency: "strong" }),
  ]);
  // Asked for last: no cursor is above it.
  const { position: tail } = await reader.tail();
  const place = new GroupPlace(group, lanes);
  const open = await countOpen(reader, place, tail);
  const { current } = lanes;
  return {
    group: group.name,
    createdAt: new Date(group.createdAt),
    position: place.lowest,
    tail,
    depth: open.depth,
    isExact: open.isExact,
    lag: tail - place.lowest,
    oldestAt: open.oldest?.enqueuedAt,
    ageMs: open.oldest ? Math.max(0, runtime.now() - open.oldest.enqueuedAt.getTime()) : 0,
    parked: place.counted.reduce((count, { state }) => count + (state ? parkedCount(state) : 0), 0),
    isChangingLanes: group.previous !== undefined,
    lanes: current.map(({ lane, owner, state }) => {
      const item = failing.get(String(lane));
      return {
        lane,
        owner,
        position: state?.done ?? place.lowest,
        parked: state ? parkedCount(state) : 0,
        failing: item && readFailing(item),
      };
    }),
  };
}

/** The lowest position that a group still needs: what is below it was done. Cost: 1 RCU for each 4 KB of leases. */
export async function lowestNeededBy(context: QueueContext, group: GroupDefinition): Promise<number> {
  const { current, previous } = await storedLanes(context, group);
  const needed = [...current, ...previous].map(({ state }) =>
    state ? lowestNeeded(state) : group.after + 1,
  );
  // Lanes that are not begun take over what those before need, which is among them.
  const isTakingOver = previous.length > 0 && previous.every(({ state }) => state !== undefined);
  const begun = [...current, ...previous].flatMap(({ state }) => (state ? [lowestNeeded(state)] : []));
  return Math.min(...(isTakingOver ? begun : needed));
}

/** Where the lanes of a group are, the ones before included while they count. */
class GroupPlace {
  /** The lanes whose states count. */
  readonly counted: readonly StoredLane[];
  readonly lowest: number;
  readonly highest: number;
  readonly #current: readonly StoredLane[];
  readonly #previous: readonly StoredLane[];
  readonly #after: number;

  constructor({ after }: GroupDefinition, lanes: StoredLanes) {
    const { current, previous } = lanes;
    this.#current = current;
    this.#previous = previous;
    this.#after = after;
    const isBegun = current.some(({ state }) => state !== undefined) || previous.length === 0;
    this.counted = isBegun ? current : previous;
    const doneIn = ({ state }: StoredLane): number => state?.done ?? after;
    const all =
      isBegun && previous.length > 0 ? [...current.filter(({ state }) => state), ...previous] : this.counted;
    this.lowest = Math.min(...all.map(doneIn));
    const reached = [...all, ...previous].flatMap(({ state }) => [
      state?.done ?? after,
      ...(state?.before ?? []),
    ]);
    this.highest = Math.max(...reached);
  }

  isDone(message: Message): boolean {
    const { position } = message;
    const state = this.#current[laneOf(message, this.#current.length)]?.state;
    if (state !== undefined) return position <= state.done || wasDone(state, message);
    if (this.#previous.length === 0) return position <= this.#after;
    const before = this.#previous[laneOf(message, this.#previous.length)]?.state;
    return position <= (before?.done ?? this.#after);
  }
}

interface OpenMessages {
  readonly depth: number;
  readonly isExact: boolean;
  readonly oldest: Message | undefined;
}

async function countOpen(
  reader: QueueContext["reader"],
  place: GroupPlace,
  tail: number,
): Promise<OpenMessages> {
  const { lowest } = place;
  const highest = Math.min(place.highest, tail);
  const isExact = highest - lowest <= MAX_COUNTED;
  // One more than what has to be counted: the oldest may be the first that no lane has reached.
  const to = Math.min(tail, isExact ? highest + 1 : lowest + MAX_COUNTED);
  let depth = isExact ? tail - highest : tail - lowest;
  let oldest: Message | undefined;
  try {
    for await (const messages of reader.read(lowest + 1, { to })) {
      const open = messages.filter((message) => !place.isDone(message));
      oldest ??= open[0];
      if (isExact) depth += open.filter(({ position }) => position <= highest).length;
    }
  } catch (error) {
    if (Object(error).code !== "queueTrimmed") throw error;
    return { depth: tail - lowest, isExact: false, oldest: undefined };
  }
  return { depth, isExact, oldest };
}
