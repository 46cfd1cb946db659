import type { Place } from "../place.ts";

/** What a process of the soak is told. */
export interface ProcessInput {
  readonly role: Role;
  /** Its own, and that of those who take its place. */
  readonly name: string;
  readonly seed: number;
  readonly place: Place;
  /** How far ahead jobs are scheduled, in milliseconds. */
  readonly jobsWithinMs: number;
  /** By how much the clocks of those who fire are ahead, in milliseconds. Default 0. */
  readonly aheadMs?: number | undefined;
}

export const ROLES = ["writer", "log", "projector", "producer", "consumer", "creator", "firing"] as const;

export type Role = (typeof ROLES)[number];

/** Those that bring in what is new. The others go on until all of it is done. */
export const PRODUCING: readonly Role[] = ["writer", "producer", "creator"];

/** What a process does until the signal is aborted; resolves when it has ended what was under way. */
export type Work = (input: ProcessInput, signal: AbortSignal) => Promise<void>;

/** How long others wait for one that gives no sign of life, in milliseconds. */
export const LEASE_MS = 3_000;

/** The journal of what must not happen, of all processes. */
export const ALARMS_JOURNAL = "alarms";

export interface Alarm {
  readonly by: string;
  readonly what: string;
}
