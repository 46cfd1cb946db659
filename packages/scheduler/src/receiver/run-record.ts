import type { ControlItem, ControlKey, ControlUpdate } from "@tuppence/core/leases";

/**
 * What a receiver keeps of an occurrence in the control table. What is written stays readable for ever.
 *
 * ```
 * p       S  OCCURRENCE|receiver|occurrence id    s S run
 * state   S  running | done; absent when a run has failed
 * token   S  of the invocation that runs it, or did
 * untilMs N  when that invocation is over at the latest, epoch ms
 * result  S  what it answered, JSON; absent when that is large
 * ttl     N  epoch seconds
 * ```
 */

export function runKey(receiver: string, occurrenceId: string): ControlKey {
  return { partition: `OCCURRENCE|${receiver}|${occurrenceId}`, sort: "run" };
}

/** A run that somebody is about to begin. */
export interface NewRun {
  readonly key: ControlKey;
  readonly token: string;
  /** Epoch milliseconds. */
  readonly untilMs: number;
  /** How long the record is kept after the run, in milliseconds. */
  readonly retentionMs: number;
}

/** What a look at a record comes to for somebody who wants to run the occurrence. */
export type Standing =
  | { readonly kind: "free" }
  /** It is this invocation's: an earlier send of its claim was applied. */
  | { readonly kind: "own" }
  | { readonly kind: "running"; readonly untilMs: number }
  | { readonly kind: "done"; readonly result: unknown };

export function standingOf(item: ControlItem | undefined, token: string, nowMs: number): Standing {
  const { state, token: storedToken, untilMs, result } = item ?? {};
  if (state === "done") {
    return { kind: "done", result: result === undefined ? undefined : JSON.parse(String(result)) };
  }
  if (state !== "running") return { kind: "free" };
  if (storedToken === token) return { kind: "own" };
  // An invocation that is over by its own limit of time can't be running any more.
  return Number(untilMs) > nowMs ? { kind: "running", untilMs: Number(untilMs) } : { kind: "free" };
}

/** Takes an occurrence whose record is as it was seen. */
export function beginUpdate(run: NewRun, seen: ControlItem | undefined): ControlUpdate {
  const { key, token, untilMs, retentionMs } = run;
  return {
    key,
    where: { state: seen?.["state"], token: seen?.["token"] },
    set: { state: "running", token, untilMs, ttl: Math.ceil((untilMs + retentionMs) / 1_000) },
  };
}

export function doneUpdate({ key, token }: NewRun, result: string | undefined, ttl: number): ControlUpdate {
  return {
    key,
    where: { state: "running", token },
    set: { state: "done", untilMs: undefined, result, ttl },
  };
}

/** Lets others run it. */
export function failedUpdate({ key, token }: NewRun): ControlUpdate {
  return {
    key,
    where: { state: "running", token },
    set: { state: undefined, token: undefined, untilMs: undefined },
  };
}
