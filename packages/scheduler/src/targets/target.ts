import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AlsoWrite } from "@tuppence/core";
import type { ControlUpdate } from "@tuppence/core/leases";
import type { Destination } from "../destinations/destination.ts";

/** How long one attempt of a target may take when nothing else is said, in milliseconds. */
export const DEFAULT_TARGET_TIMEOUT_MS = 30_000;

/** What fires: one occurrence of a schedule. */
export interface Occurrence<Payload = unknown> {
  /** Of this occurrence alone, and the same for each attempt of it, whoever makes it: receivers drop duplicates by it. */
  readonly id: string;
  readonly name: string | undefined;
  readonly group: string | undefined;
  /** When it was scheduled for, without jitter. */
  readonly dueAt: Date;
  /** The first moment at which it may fire, jitter included. No attempt is made before, by the clock of whoever makes it. */
  readonly fireAt: Date;
  readonly payload: Payload;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
}

export interface FireContext {
  /** Aborted when the attempt has taken too long, or the process is to end. */
  readonly signal: AbortSignal;
}

/** What all targets have. */
interface TargetSettings {
  /** What it is, for those who look: "lambda", "call", "append" … */
  readonly kind: string;
  /** How long one attempt may take, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** What payloads have to be like: checked when something is scheduled. Default: anything that is JSON. */
  readonly payload?: StandardSchemaV1 | undefined;
  /** Where it is told when an occurrence is parked: at least once, before it is stored. Default: nowhere. */
  readonly onFailure?: Destination | undefined;
}

/** A target outside of the tables: fired at least once, with the same occurrence id. */
export interface OutsideTarget extends TargetSettings {
  readonly isInStore?: false | undefined;
  /** Where it is told when an attempt has succeeded: at least once, before it is stored. Default: nowhere. */
  readonly onSuccess?: Destination | undefined;
  /** Answers what is to be told of the run: plain JSON, or nothing. A rejection is a failed attempt. */
  fire(occurrence: Occurrence, context: FireContext): Promise<unknown>;
}

/** A target in the same tables: fired exactly once, as its writes are made in one transaction with the entry's. */
export interface InStoreTarget extends TargetSettings {
  readonly isInStore: true;
  /**
   * Makes its own writes and those of `finish` in one transaction. Answers "refused" when a condition of `finish` did not hold:
   * somebody else was faster, and nothing was written. When it rejects, whether it was written is looked up.
   */
  fire(
    occurrence: Occurrence,
    context: FireContext & { readonly finish: FinishWrites },
  ): Promise<"fired" | "refused">;
}

/** What is written with an in-store target: the entry's update, and of a series the next occurrence. */
export interface FinishWrites {
  /** For a transaction of DynamoDB: `also` of an append. Their conditions say whether the occurrence is still to be fired. */
  readonly writes: readonly AlsoWrite[];
  /** The same as changes of a storage, for targets that have no table. */
  readonly changes: readonly ControlUpdate[];
}

export type Target = OutsideTarget | InStoreTarget;

/** Targets by the names that schedules store: what is stored is a name, the code behind it may change. */
export type Targets = Readonly<Record<string, Target>>;
