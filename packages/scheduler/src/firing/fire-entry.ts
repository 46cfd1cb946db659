import { backoffMs } from "@tuppence/core";
import { classifyFailure, describeFailure } from "@tuppence/core/failures";
import type { SchedulerContext } from "../context.ts";
import { type Entry, type EntryChange, entryAfter, newEntryUpdate, type NewEntry } from "../entries/entry.ts";
import { findEntry } from "../entries/read-entries.ts";
import { ringBy, tokenOf } from "../minutes/open-minute.ts";
import { goOnUpdate } from "../names/named-schedule.ts";
import { wakeAhead } from "../relay/wake-ahead.ts";
import { startOfRun } from "../recurrence/series.ts";
import type { FireContext, InStoreTarget, OutsideTarget, Target } from "../targets/target.ts";
import { attemptTarget, claimDurationMs, occurrenceOf } from "./attempt-target.ts";
import { changeEntry, prepareFollower } from "./change-entry.ts";
import { closeName, endRun, handOver, looksAfter } from "./end-run.ts";
import { type Ending, endingWrites, followerOf, runOf } from "./ending.ts";
import { nextStep } from "./next-step.ts";
import { tellDestination } from "./tell-destination.ts";

export interface FiringContext extends SchedulerContext {
  /** The present for whoever drains: the own clock, or what a doorbell proves. */
  readonly presentMs: () => number;
  /** Aborted when no attempt may go on. */
  readonly signal?: AbortSignal | undefined;
  /** How attempts are kept to so many at a time. Default: whoever calls does it. */
  readonly attempts?: ((work: () => Promise<void>) => Promise<void>) | undefined;
  /** Waits until it is time, for those who claim ahead of it. Default: it is time. */
  readonly untilTime?: ((fireAtMs: number) => Promise<void>) | undefined;
  /** Waits for others that have been fired at a time, so that their ends are written together. Default: nobody is waited for. */
  readonly untilOthers?: (() => Promise<void>) | undefined;
}

/** What became of an entry: it is done with for now, somebody else has it, or it is to be looked at again then. */
export type Fired = { readonly kind: "done" | "lost" } | { readonly kind: "later"; readonly atMs: number };

const DONE: Fired = { kind: "done" };
const LOST: Fired = { kind: "lost" };

/** When an entry is looked at again whose target this process does not have, in milliseconds. */
const TARGET_MISSING_MS = 300_000;

/**
 * Does what is to be done about an entry: claims and fires it if it is time, counts a failure, and makes what follows it.
 *
 * Cost: 2 WCU outside of the store (claim and end), 2 within (the part in the target's transaction); of a series 6 for the end, which
 * makes the next occurrence, and 1 more and 2 RCU if that is within ten minutes.
 */
export async function fireEntry(context: FiringContext, entry: Entry): Promise<Fired> {
  const isAhead =
    context.untilTime !== undefined && entry.state === "pending" && entry.retryAtMs === undefined;
  const step = nextStep(entry, isAhead ? Math.max(entry.fireAtMs, context.presentMs()) : context.presentMs());
  switch (step.kind) {
    case "nothing":
      return LOST;
    case "wait":
      return { kind: "later", atMs: step.untilMs };
    case "handOver":
      return handOver(context, entry);
    case "fire":
      return fire(context, entry);
  }
}

async function fire(context: FiringContext, entry: Entry): Promise<Fired> {
  const { definition, id, generation } = entry;
  const target = context.targets[definition.target];
  if (target === undefined) {
    context.emit({ type: "targetMissing", id, target: definition.target });
    return { kind: "later", atMs: context.presentMs() + TARGET_MISSING_MS };
  }
  const nowMs = Math.max(context.presentMs(), entry.fireAtMs);
  const isFirst = entry.startedAtMs === undefined;
  if (generation !== undefined && isFirst && !startOfRun(runOf(entry, nowMs)).fires) {
    const kind = await endRun(context, entry, { state: "skipped", nowMs });
    if (kind === "done") context.emit({ type: "skipped", id, name: entry.name });
    return { kind };
  }
  return target.isInStore === true
    ? fireInStore(context, entry, target)
    : fireOutside(context, entry, target);
}

async function fireOutside(context: FiringContext, entry: Entry, target: OutsideTarget): Promise<Fired> {
  const claimed = await claim(context, entry, target);
  if (claimed === undefined) return LOST;
  await context.untilTime?.(claimed.fireAtMs);
  const occurrence = occurrenceOf(claimed, claimed.attempts);
  let lateMs = 0;
  let answer: unknown;
  const send = async (given: FireContext): Promise<void> => {
    lateMs = context.runtime.now() - claimed.fireAtMs;
    answer = await target.fire(occurrence, given);
  };
  try {
    await attempt(context, claimed, { target, send });
  } catch (error) {
    return failed(context, claimed, { error, attempts: claimed.attempts });
  }
  const { id, name, definition, attempts } = claimed;
  context.emit({ type: "fired", id, name, target: definition.target, attempt: attempts, lateMs });
  await tellDestination(context, claimed, { attempts, outcome: { kind: "success", answer } });
  await context.untilOthers?.();
  return ended(context, claimed, { state: "fired", nowMs: context.presentMs() });
}

/** Takes an entry for this process; with `allow`, the next occurrence of its series comes with it. Undefined when somebody else was faster. */
async function claim(context: FiringContext, entry: Entry, target: Target): Promise<Entry | undefined> {
  const nowMs = Math.max(context.presentMs(), entry.fireAtMs);
  const change: EntryChange = {
    state: "claimed",
    claimedUntilMs: nowMs + claimDurationMs(target),
    attempts: entry.attempts + 1,
    startedAtMs: entry.startedAtMs ?? nowMs,
    retryAtMs: undefined,
  };
  const isLoose = !context.guards.claimsOnCondition;
  if (entry.definition.overlap !== "allow" || entry.generation === undefined) {
    return changeEntry(context, entry, { change, isLoose });
  }
  if (entry.nextId !== undefined) {
    // The one that claimed it before may not have got so far.
    const claimed = await changeEntry(context, entry, { change, isLoose });
    if (claimed !== undefined) await looksAfter(context, entry.nextId);
    return claimed;
  }
  return claimWithFollower(context, { ...entry, startedAtMs: change.startedAtMs }, change);
}

async function claimWithFollower(
  context: FiringContext,
  entry: Entry,
  change: EntryChange,
): Promise<Entry | undefined> {
  const next = followerOf(context, entry, context.presentMs());
  if (next === undefined) return changeEntry(context, entry, { change });
  await prepareFollower(context, next);
  const also = followerChanges(entry, next);
  const claimed = await changeEntry(context, entry, { change: { ...change, nextId: next.id }, also });
  // The series is another by now, or somebody else was faster.
  if (claimed === undefined) return changeEntry(context, entry, { change });
  await looksAfter(context, next.id);
  return claimed;
}

function followerChanges(entry: Entry, next: NewEntry): ReturnType<typeof goOnUpdate>[] {
  const { id, dueMs } = entry;
  const at = { name: String(entry.name), generation: Number(entry.generation), id, dueMs };
  return [newEntryUpdate(next), goOnUpdate(at, next)];
}

async function fireInStore(context: FiringContext, entry: Entry, target: InStoreTarget): Promise<Fired> {
  await context.untilTime?.(entry.fireAtMs);
  const attempts = entry.attempts + 1;
  const lateMs = context.runtime.now() - entry.fireAtMs;
  const occurrence = occurrenceOf(entry, attempts);
  // Without the next occurrence once the series turns out to be another by now.
  for (const goesOn of [true, false]) {
    const nowMs = Math.max(context.presentMs(), entry.fireAtMs);
    const token = tokenOf(context);
    const ending: Ending = { state: "fired", nowMs, attempts };
    const { changes, after, next } = endingWrites(context, entry, { ending, token, goesOn });
    if (next !== undefined) await prepareFollower(context, next);
    const finish = { changes, writes: context.storage.writesOf(changes) };
    let answer: "fired" | "refused" | undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      const send = async ({ signal }: FireContext): Promise<void> => {
        answer = await target.fire(occurrence, { signal, finish });
      };
      await attempt(context, entry, { target, send });
    } catch (error) {
      failure = { error };
    }
    const found = answer === "fired" ? { ...entry, token } : await findEntry(context, entry.id);
    if (found?.token === token) {
      const { id, name, definition } = entry;
      context.emit({ type: "fired", id, name, target: definition.target, attempt: attempts, lateMs });
      const now = entryAfter(entry, token, after);
      if (after.nextState !== undefined) return handOver(context, now);
      await closeName(context, now, nowMs);
      return DONE;
    }
    if (found?.token !== entry.token || found?.state !== entry.state) return LOST;
    if (failure !== undefined) return failed(context, entry, { ...failure, attempts });
  }
  const error = new Error("The target refuses to write, and nobody else has fired the occurrence.");
  return failed(context, entry, { error, attempts });
}

async function attempt(
  context: FiringContext,
  entry: Entry,
  { target, send }: { readonly target: Target; readonly send: (given: FireContext) => Promise<unknown> },
): Promise<void> {
  const { target: name } = entry.definition;
  const { attempts = (work: () => Promise<void>): Promise<void> => work() } = context;
  await attempts(async () => {
    await attemptTarget(context, { name, target, signal: context.signal }, send);
  });
}

/**
 * Counts a failed attempt: another one comes later, or the occurrence is parked.
 *
 * @throws the reason of the context's signal, rather than to take the end of this process for a failure of the target.
 */
async function failed(
  context: FiringContext,
  entry: Entry,
  { error, attempts }: { readonly error: unknown; readonly attempts: number },
): Promise<Fired> {
  context.signal?.throwIfAborted();
  const { id, name, definition } = entry;
  const { retry, target } = definition;
  const kind = classifyFailure(error);
  const failures = entry.failures + (kind.kind === "transient" ? 0 : 1);
  const reason = describeFailure(error);
  const nowMs = context.presentMs();
  if (kind.kind === "final" || failures >= retry.maxAttempts) {
    context.emit({ type: "parked", id, name, target, attempt: attempts, error });
    await tellDestination(context, entry, { attempts, outcome: { kind: "failure", error } });
    return ended(context, entry, { state: "parked", nowMs, reason, attempts, failures });
  }
  const askedMs = kind.kind === "transient" ? kind.retryAfterMs : undefined;
  const pauseMs = askedMs ?? backoffMs(attempts - 1, retry, context.runtime.random);
  const retryAtMs = Math.ceil(nowMs + pauseMs);
  const change = {
    state: "pending",
    claimedUntilMs: undefined,
    retryAtMs,
    reason,
    attempts,
    failures,
  } as const;
  const changed = await changeEntry(context, entry, { change });
  if (changed === undefined) return overtaken(context, entry);
  await ringBy(context, entry, retryAtMs);
  await wakeAhead(context, entry, [retryAtMs]);
  context.emit({
    type: "retrying",
    id,
    name,
    target,
    attempt: attempts,
    error,
    retryAt: new Date(retryAtMs),
  });
  return { kind: "later", atMs: retryAtMs };
}

async function ended(context: FiringContext, entry: Entry, ending: Ending): Promise<Fired> {
  const outcome = await endRun(context, entry, ending);
  return outcome === "done" ? DONE : overtaken(context, entry);
}

function overtaken(context: FiringContext, { id, definition }: Entry): Fired {
  context.emit({ type: "overtaken", id, target: definition.target });
  return LOST;
}
