import type { SchedulerContext } from "../context.ts";
import { encodeDefinition } from "../definition.ts";
import { decodeEntry, type Entry, type EntryState } from "../entries/entry.ts";
import { isEntryId } from "../entries/entry-id.ts";
import { findEntry } from "../entries/read-entries.ts";
import { ScheduleBusyError } from "../errors.ts";
import { findNamed, type NamedSchedule } from "../names/named-schedule.ts";
import type { Schedule } from "../schedule.ts";

/** What there is of a schedule. */
export interface FoundSchedule {
  readonly entry: Entry | undefined;
  /** What has its name, if it is about this entry, or about a series that it belongs to. */
  readonly named: NamedSchedule | undefined;
}

type Finding = Pick<SchedulerContext, "storage"> & { readonly signal?: AbortSignal | undefined };

/** How often something is tried that others are in the way of. */
export const MAX_RACES = 20;

/**
 * By id, wherever it was moved to, or by name. Cost: 1 RCU for the name, 1 for each entry.
 *
 * @throws ScheduleBusyError when it is moved all the time.
 */
export async function findSchedule(context: Finding, idOrName: string): Promise<FoundSchedule> {
  if (!isEntryId(idOrName)) {
    for (let race = 0; race < MAX_RACES; race++) {
      const named = await findNamed(context, idOrName);
      const entry = named && (await findEntryOf(context, named));
      // It was moved between the two looks, and its name with it.
      if (entry === undefined || !isMoved(entry)) return { named, entry };
    }
    throw new ScheduleBusyError(`schedule ${JSON.stringify(idOrName)}`, { mayBeWritten: false });
  }
  let entry = await findEntry(context, idOrName);
  while (entry?.nextId !== undefined && isMoved(entry)) {
    entry = await findEntry(context, entry.nextId);
  }
  const named = entry?.name === undefined ? undefined : await findNamed(context, entry.name);
  const isOfIt =
    entry?.generation === undefined
      ? named?.entryId === entry?.id
      : named !== undefined && entry.generation >= named.firstGeneration;
  return { entry, named: isOfIt ? named : undefined };
}

function isMoved({ state, nextState }: Entry): boolean {
  return state === "moved" || nextState === "moved";
}

/** The entry of what has a name. Cost: 1 RCU. */
export async function findEntryOf(context: Finding, named: NamedSchedule): Promise<Entry> {
  return (await findEntry(context, named.entryId)) ?? expiredEntry(named);
}

/** The latest entry of a schedule, of which one was seen. Cost: nothing, or 1 RCU if that was another. */
export async function latestOf(
  context: Finding,
  { entryId }: NamedSchedule,
  seen: Entry,
): Promise<Entry | undefined> {
  return seen.id === entryId ? seen : findEntry(context, entryId);
}

/** What there was of a schedule whose last entry has expired: a series that is paused for long, or what was fired. */
function expiredEntry(named: NamedSchedule): Entry {
  const { name, definition, dueMs: u, entryId } = named;
  const st: EntryState = isSeries(named) ? "skipped" : "fired";
  return decodeEntry(entryId, { st, d: encodeDefinition(definition), u, n: name });
}

/**
 * The due time of the last occurrence of a series that was begun or passed over: what follows it comes after that, or a clock that is slow, or an
 * occurrence that was claimed ahead of its time, would let it fire twice for one due time.
 */
export function passedMsOf(
  { guards }: Pick<SchedulerContext, "guards">,
  { named, entry }: FoundSchedule,
): number | undefined {
  if (!guards.goesForward) return undefined;
  const isBegun = entry?.generation !== undefined && entry.attempts > 0;
  const passedMs = Math.max(named?.passedMs ?? 0, isBegun ? entry.dueMs : 0);
  return passedMs === 0 ? undefined : passedMs;
}

/** Whether a schedule with a name fires again and again. */
export function isSeries(named: NamedSchedule | undefined): named is NamedSchedule {
  return named !== undefined && named.definition.spec.kind !== "at";
}

/** A schedule as it is read, by its entry. */
export function scheduleOf(entry: Entry): Schedule {
  const { id, name, state, definition, dueMs, fireAtMs, attempts, retryAtMs, endedAtMs, reason } = entry;
  const { spec, target, payload, group, retry, misfire, overlap } = definition;
  return {
    id,
    name,
    group,
    // To those who read it, what was fired is, whatever is still to be looked after.
    state: entry.nextState ?? state,
    spec,
    target,
    payload: payload === undefined ? undefined : JSON.parse(payload),
    dueAt: new Date(dueMs),
    fireAt: new Date(fireAtMs),
    attempts,
    retryAt: retryAtMs === undefined ? undefined : new Date(retryAtMs),
    endedAt: endedAtMs === undefined ? undefined : new Date(endedAtMs),
    reason,
    retry,
    misfire,
    overlap,
  };
}

/** A schedule by its name: its entry, but for a series that is paused. */
export function namedScheduleOf(named: NamedSchedule, entry: Entry): Schedule {
  const schedule = scheduleOf(entry);
  const { definition } = named;
  if (!isSeries(named) || named.state === "active" || named.state === "over") return schedule;
  return { ...schedule, state: named.state, spec: definition.spec };
}
