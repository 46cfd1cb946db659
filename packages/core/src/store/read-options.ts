import type { Capacity } from "../capacity/units.ts";
import type { Consistency } from "../chain/storage.ts";
import type { SnapshotPolicy } from "./snapshot.ts";
import type { StateCache } from "../state-cache.ts";

export interface ReadOptions {
  /** `"forward"` (default): from the oldest event on. `"backward"`: from the newest. */
  readonly direction?: "forward" | "backward" | undefined;
  /** The version to begin with, inclusive. Default: the first, or backward the last. */
  readonly fromVersion?: number | undefined;
  /** The version to end with, inclusive. Default: the last, or backward the first. */
  readonly toVersion?: number | undefined;
  /** At most so many events. Default: all. */
  readonly limit?: number | undefined;
  /** Leave out what was recorded later, by the writers' clocks. Default: nothing. */
  readonly asOf?: Date | undefined;
  /** `"strong"` (default) sees every acknowledged append; `"eventual"` costs half and may be a little behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadCategoryOptions {
  /** Begin after this stream: the last one that an earlier read was through with. Default: with the first. */
  readonly after?: string | undefined;
  /** Leave out what was recorded later, by the writers' clocks. Default: nothing. */
  readonly asOf?: Date | undefined;
  /** `"strong"` (default) sees every acknowledged append to the streams listed; `"eventual"` costs half. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadOptions<State> {
  /**
   * Where to find an earlier state to go on from, and to keep this one. With `from`, `toVersion` or `asOf` it is left
   * alone; with `"eventual"` consistency it is used and not filled. Default: none.
   */
  readonly cache?: StateCache<State> | undefined;
  /** An earlier result to go on from, so that only later events are read. Default: from the initial state. */
  readonly from?:
    | (Pick<LoadResult<State>, "state" | "version"> &
        Partial<Pick<LoadResult<State>, "snapshotVersion" | "subjects">>)
    | undefined;
  /** The last version to fold, inclusive: the state as of then. Default: the last there is. */
  readonly toVersion?: number | undefined;
  /** Leave out what was recorded later, by the writers' clocks. Default: nothing. */
  readonly asOf?: Date | undefined;
  /** `"strong"` (default) sees every acknowledged append; `"eventual"` costs half and may be a little behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the state of a stream follows from its events. */
export interface Fold<State, Event> {
  readonly initialState: () => State;
  readonly evolve: (state: State, event: Event) => State;
  /** Keeps the state next to the events, so that a load reads one page however long the stream is. Default: not kept. */
  readonly snapshot?: SnapshotPolicy<State> | undefined;
}

export interface LoadResult<State> {
  readonly state: State;
  /** The version of the last event folded, 0 when there is no stream: what the next append can expect. */
  readonly version: number;
  /** The version of the newest snapshot that was of use, 0 when there was none. */
  readonly snapshotVersion: number;
  /** Whose encrypted data went into the state; empty without encryption. */
  readonly subjects: readonly string[];
  /** The version after which events were folded: that of the snapshot or the earlier result gone on from, or 0. */
  readonly foldedAfter: number;
  readonly capacity: Capacity;
}

export interface TruncateOptions {
  /** The first version to keep. What is kept may begin a little earlier: appends are kept or truncated as a whole. */
  readonly before: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TruncateResult {
  /** The first version that is kept; 1 when nothing was truncated. */
  readonly firstVersion: number;
  readonly capacity: Capacity;
}
