import type { Capacity } from "./capacity/units.ts";
import type { ExpectedVersion } from "./chain/tiling.ts";
import type { VersionConflictError } from "./conflict-errors.ts";

/**
 * Sees every operation of a store or a command handler: its start, what it came to, and what it consumed.
 * `createOtelObserver` of `@tuppence/core/otel` makes one that writes traces and metrics.
 *
 * An observer can't break what it sees: when it throws, a process warning (`TuppenceObserverWarning`) tells, and the
 * operation goes on.
 */
export interface Observer {
  /** An operation begins. */
  readonly start: (operation: Operation) => Observation;
}

/** An operation as it begins. */
export interface Operation {
  /** A method of the event store, or `handle` (a whole command) and `decide` (one call of its decider). */
  readonly name:
    | "append"
    | "transact"
    | "read"
    | "load"
    | "findCommit"
    | "truncate"
    | "streamExists"
    | "readCategory"
    | "listStreams"
    | "readAll"
    | "waitFor"
    | "exportCommits"
    | "importCommits"
    | "ensureTables"
    | "handle"
    | "decide";
  readonly streamId?: string | undefined;
  /** Of the stream, or of the streams that are listed. */
  readonly category?: string | undefined;
  /** Where an append or a command is held to a version: what its caller expects. */
  readonly expectedVersion?: ExpectedVersion | undefined;
}

/** An operation under way. */
export interface Observation {
  /**
   * Calls `work` once, before it returns, in the operation's context, so that operations which begin in there are parts
   * of this one. A read calls it for each step.
   */
  readonly run: (work: () => void) => void;
  /** A command lost its decision of this attempt (from 1) to a conflict, and decides again. */
  readonly retry: (attempt: number, conflict: VersionConflictError) => void;
  /** The operation is over. Called once. */
  readonly end: (outcome: OperationOutcome) => void;
}

/** What an operation did. What does not apply to it is undefined. */
export interface OperationFacts {
  /** Events appended, read, folded, decided or moved. */
  readonly events?: number | undefined;
  /** The version of the stream after it, as far as it knows. */
  readonly version?: number | undefined;
  /** Whether an earlier append with the same commit id had stored it already. */
  readonly duplicate?: boolean | undefined;
  /** How often a command was decided. */
  readonly attempts?: number | undefined;
  /** Streams listed, or written to by a transaction. */
  readonly streams?: number | undefined;
  /** Commits exported or imported. */
  readonly commits?: number | undefined;
}

/** What an operation came to. */
export interface OperationOutcome extends OperationFacts {
  /** `left`: the loop over a read or a list was left before its end. */
  readonly status: "done" | "left" | "failed";
  /** What it failed with. */
  readonly error?: unknown;
  /**
   * What it consumed, its failed attempts included; `handle` has the sum of its parts. `decide` consumes nothing itself, and
   * what `ensureTables` asks for costs nothing and is not counted.
   */
  readonly capacity: Capacity;
  /** Requests sent again because an earlier reply was lost or the table was busy with the same items. */
  readonly resends: number;
  /** How often an append or a transaction to any version found its place taken and moved on to the next. */
  readonly lostRaces: number;
}
