import type { Message } from "../message.ts";
import { laneOf, laneOfShortKey } from "./lane-of.ts";

/**
 * How far a lane is. It is the position of the lane's lease, so that each change of it is one conditional write of one item, fenced
 * by the lease's epoch: what is done and what is parked can't tell different stories, whoever writes twice, late, or half.
 */
export interface LaneState {
  /** Everything of the lane up to here is done, but for what is parked. */
  readonly done: number;
  /** The positions that are parked, in order: by short key, or under `SINGLE`. */
  readonly parked: ReadonlyMap<string, readonly number[]>;
  /** What somebody asked for to be handled after all: short keys, and positions of single ones. */
  readonly redriven: ReadonlySet<string | number>;
  /**
   * The cursors of the lanes that there were before, while any is above `done`: what is not above the one of its lane of then is
   * done.
   */
  readonly before: readonly number[] | undefined;
  /** Nothing happens in the lane any more: the lanes of the next generation go on from here. */
  readonly sealed: boolean;
}

/** The key of what is parked by itself: nothing waits behind it. */
export const SINGLE = "";

/** Something to be parked. */
export interface ToPark {
  readonly position: number;
  /** Short key, or `SINGLE`. */
  readonly key: string;
}

export function laneStateAt(done: number): LaneState {
  return { done, parked: new Map(), redriven: new Set(), before: undefined, sealed: false };
}

/** Everything up to a position is done, but for these. */
export function advance(state: LaneState, to: number, parked: readonly ToPark[] = []): LaneState {
  const { before } = state;
  const done = Math.max(state.done, to);
  const isPassed = before === undefined || done >= Math.max(...before);
  return { ...state, done, parked: withParked(state, parked), before: isPassed ? undefined : before };
}

function withParked({ parked }: LaneState, added: readonly ToPark[]): LaneState["parked"] {
  if (added.length === 0) return parked;
  const positions = new Map(parked);
  for (const { key, position } of added) {
    const own = positions.get(key) ?? [];
    // Parked twice is parked once.
    if (!own.includes(position))
      positions.set(
        key,
        [...own, position].toSorted((one, other) => one - other),
      );
  }
  return positions;
}

/** A parked message is done. */
export function unpark(state: LaneState, position: number): LaneState {
  const key = keyOfParked(state, position);
  if (key === undefined) return state;
  const parked = new Map(state.parked);
  const redriven = new Set(state.redriven);
  redriven.delete(position);
  const left = (parked.get(key) ?? []).filter((other) => other !== position);
  if (left.length > 0) parked.set(key, left);
  else {
    parked.delete(key);
    redriven.delete(key);
  }
  return { ...state, parked, redriven };
}

/** Somebody asked for a parked message: those of its key come with it, in their order. */
export function askFor(state: LaneState, position: number): LaneState {
  const key = keyOfParked(state, position);
  if (key === undefined) return state;
  return { ...state, redriven: new Set([...state.redriven, key === SINGLE ? position : key]) };
}

/** What was asked for failed again: it stays parked, with those behind it. */
export function giveUp(state: LaneState, position: number): LaneState {
  const key = keyOfParked(state, position);
  const redriven = new Set(state.redriven);
  redriven.delete(key === undefined || key === SINGLE ? position : key);
  return { ...state, redriven };
}

/** Under which short key a message is parked, or `SINGLE`; undefined when it is not. */
export function keyOfParked({ parked }: LaneState, position: number): string | undefined {
  for (const [key, positions] of parked) if (positions.includes(position)) return key;
  return undefined;
}

/** The first one of each key that was asked for, and the single ones, in their order: what is to be handled next. */
export function nextRedriven({ parked, redriven }: LaneState): readonly number[] {
  const next: number[] = [];
  for (const what of redriven) {
    const first = typeof what === "number" ? what : parked.get(what)?.[0];
    if (first !== undefined) next.push(first);
  }
  return next.toSorted((one, other) => one - other);
}

export function parkedCount({ parked }: LaneState): number {
  let count = 0;
  for (const positions of parked.values()) count += positions.length;
  return count;
}

/** Whether a message was done by a lane of before. */
export function wasDone({ before }: LaneState, message: Pick<Message, "key" | "position">): boolean {
  return before !== undefined && message.position <= (before[laneOf(message, before.length)] ?? 0);
}

/** The lowest position that the lane still needs. */
export function lowestNeeded({ done, parked }: LaneState): number {
  const firsts = Array.from(parked.values(), ([first = Number.POSITIVE_INFINITY]) => first);
  return Math.min(done + 1, ...firsts);
}

export function seal(state: LaneState): LaneState {
  return { ...state, sealed: true };
}

/**
 * Where a lane begins that takes over from lanes of a generation before, all of them sealed: at the lowest of their cursors, with
 * what they are past left out, and with what is parked of its keys. Single ones hold nothing up, and go into the first lane.
 */
export function carryOver(
  before: readonly LaneState[],
  { lane, lanes }: { readonly lane: number; readonly lanes: number },
): LaneState {
  const cursors = before.map(({ done }) => done);
  const isOwn = (key: string): boolean => laneOfParked(key, lanes) === lane;
  const parked = before.flatMap((state) =>
    [...state.parked].flatMap(([key, positions]) =>
      isOwn(key) ? positions.map((position) => ({ key, position })) : [],
    ),
  );
  const redriven = before.flatMap((state) =>
    [...state.redriven].filter((what) => isOwn(typeof what === "number" ? SINGLE : what)),
  );
  const done = Math.min(...cursors);
  const begun = { ...laneStateAt(done), before: cursors, redriven: new Set(redriven) };
  return advance(begun, done, parked);
}

/** The lane that takes over what is parked under a short key. */
export function laneOfParked(key: string, lanes: number): number {
  return key === SINGLE ? 0 : laneOfShortKey(key, lanes);
}

/** As it is stored: short names, and positions as the distance from the one before. */
interface StoredState {
  readonly c: number;
  readonly p?: Readonly<Record<string, readonly number[]>>;
  readonly k?: readonly string[];
  readonly n?: readonly number[];
  readonly b?: readonly number[];
  readonly e?: 1;
}

export function encodeLaneState({ done, parked, redriven, before, sealed }: LaneState): string {
  const keys = [...redriven].filter((what) => typeof what === "string").toSorted();
  const singles = [...redriven].filter((what) => typeof what === "number");
  const stored: StoredState = {
    c: done,
    ...(parked.size > 0 && {
      p: Object.fromEntries([...parked].map(([key, positions]) => [key, toDistances(positions)])),
    }),
    ...(keys.length > 0 && { k: keys }),
    ...(singles.length > 0 && { n: toDistances(singles.toSorted((one, other) => one - other)) }),
    ...(before && { b: before }),
    ...(sealed && { e: 1 }),
  };
  return JSON.stringify(stored);
}

export function decodeLaneState(text: string): LaneState {
  const { c, p = {}, k = [], n = [], b, e } = JSON.parse(text) as StoredState;
  return {
    done: c,
    parked: new Map(Object.entries(p).map(([key, distances]) => [key, fromDistances(distances)])),
    redriven: new Set([...k, ...fromDistances(n)]),
    before: b,
    sealed: e === 1,
  };
}

function toDistances(positions: readonly number[]): number[] {
  return positions.map((position, index) => position - (positions[index - 1] ?? 0));
}

function fromDistances(distances: readonly number[]): number[] {
  let position = 0;
  return distances.map((distance) => (position += distance));
}
