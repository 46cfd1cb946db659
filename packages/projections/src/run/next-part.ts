import type { AnyEvent } from "../definition/projection.ts";
import type { TakenEvents } from "./log-window.ts";
import type { ParkedEvent } from "./parked-event.ts";
import type { FailedEvent } from "./slot-context.ts";

/** Events that are parked in one transaction at most. */
const MAX_PARKED_AT_ONCE = 50;

/** A part of a batch that can be handled as a whole. */
export interface Part {
  readonly after: number;
  readonly upTo: number;
  /** Streams of which something is parked. */
  readonly parked: ReadonlySet<string>;
  /** Those to be handled. */
  readonly events: readonly AnyEvent[];
  /** Those to be parked behind others of their streams. */
  readonly behind: readonly ParkedEvent[];
  /** The event right behind the part, when that can't be read. */
  readonly failed: FailedEvent | undefined;
}

/** What comes next of a batch: up to the first event that can't be read, and up to as many as are parked at once. */
export function nextPart(
  taken: TakenEvents,
  state: {
    /** Everything up to here is done. */
    readonly after: number;
    readonly parked: ReadonlySet<string>;
    readonly parksBehind: boolean;
    readonly now: Date;
  },
): Part {
  const { after, parked, parksBehind, now } = state;
  const isBehind = ({ streamId }: Place): boolean => parksBehind && parked.has(streamId);
  const isLeft = ({ position }: Place): boolean => position > after;
  const events = taken.events.filter(isLeft);
  const unreadable = taken.unreadable.filter(isLeft);
  const behind = [...events, ...unreadable].filter(isBehind).toSorted(byPosition);
  const first = unreadable.find((event) => !isBehind(event));
  const upTo = Math.min(
    taken.position,
    first === undefined ? taken.position : first.position - 1,
    (behind[MAX_PARKED_AT_ONCE]?.position ?? Number.POSITIVE_INFINITY) - 1,
  );
  const isInside = ({ position }: Place): boolean => position <= upTo;
  return {
    after,
    upTo,
    parked,
    events: events.filter((event) => isInside(event) && !isBehind(event)),
    behind: behind.filter(isInside).map((event) => parkedBehind(event, now)),
    failed: first?.position === upTo + 1 ? { event: first, error: first.error, attempts: 1 } : undefined,
  };
}

type Place = Pick<AnyEvent, "position" | "streamId" | "version" | "type">;

function parkedBehind({ position, streamId, version, type }: Place, now: Date): ParkedEvent {
  return {
    position,
    streamId,
    version,
    type,
    reason: "behind",
    error: undefined,
    attempts: 0,
    parkedAt: now,
    replay: undefined,
  };
}

function byPosition(one: Place, other: Place): number {
  return one.position - other.position;
}
