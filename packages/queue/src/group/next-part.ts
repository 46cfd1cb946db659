import type { Message } from "../message.ts";
import { shortKey } from "./lane-of.ts";
import { type LaneState, parkedCount, SINGLE, type ToPark, wasDone } from "./lane-state.ts";

/** Messages that are parked behind others at a time. */
export const MAX_BEHIND_AT_ONCE = 100;

/** What comes next in a lane, to be dealt with as a whole. */
export interface Part {
  /** Those to be handled. */
  readonly messages: readonly Message[];
  /** Those to be parked behind others of their keys. */
  readonly behind: readonly ToPark[];
  /** Everything up to here is in the part, or not to be handled by the lane. */
  readonly upTo: number;
  /** The message right behind the part, when it had to be parked and there is no room. */
  readonly noRoom: Message | undefined;
}

export interface PartLimits {
  /** Messages to be handled. */
  readonly most: number;
  readonly maxParked: number;
  /** Up to where `ahead` is complete, when it is all there is. */
  readonly readTo: number | undefined;
  /** Whether those behind a parked one of their key are parked too. Switched off by tests. */
  readonly parksBehind: boolean;
}

/** Cuts the next part off what is ahead of a lane. */
export function nextPart(state: LaneState, ahead: readonly Message[], limits: PartLimits): Part {
  const { most, maxParked, readTo, parksBehind } = limits;
  const messages: Message[] = [];
  const behind: ToPark[] = [];
  const room = maxParked - parkedCount(state);
  const holdsKeys = parksBehind && [...state.parked.keys()].some((key) => key !== SINGLE);
  let upTo = state.done;
  for (const message of ahead) {
    const { position, key } = message;
    const short = holdsKeys && key !== undefined ? shortKey(key) : undefined;
    if (wasDone(state, message)) upTo = position;
    else if (short !== undefined && state.parked.has(short)) {
      if (behind.length >= room) return { messages, behind, upTo, noRoom: message };
      if (behind.length === MAX_BEHIND_AT_ONCE) return { messages, behind, upTo, noRoom: undefined };
      behind.push({ key: short, position });
      upTo = position;
    } else {
      if (messages.length === most) return { messages, behind, upTo, noRoom: undefined };
      messages.push(message);
      upTo = position;
    }
  }
  return { messages, behind, upTo: readTo ?? upTo, noRoom: undefined };
}
