import type { ControlUpdate } from "@tuppence/core/leases";
import type { SchedulerContext } from "../context.ts";
import {
  type Entry,
  type EntryChange,
  type EntryState,
  entryUpdate,
  type NewEntry,
  newEntryUpdate,
} from "../entries/entry.ts";
import { newEntryId, placeOf } from "../entries/entry-id.ts";
import { parkedKey } from "../entries/keys.ts";
import { isNear } from "../minutes/minute.ts";
import { goOnUpdate } from "../names/named-schedule.ts";
import { jitterOf } from "../recurrence/jitter.ts";
import { type Run, successorOf } from "../recurrence/series.ts";

/** How a run of an occurrence ends. */
export interface Ending {
  readonly state: Extract<EntryState, "fired" | "skipped" | "parked">;
  readonly nowMs: number;
  readonly attempts?: number | undefined;
  readonly failures?: number | undefined;
  readonly reason?: string | undefined;
}

/** The writes that end a run, all in one transaction: the entry's, and of a series the next occurrence and the move to it. */
export interface EndingWrites {
  readonly changes: readonly [ControlUpdate & { readonly set: { readonly tk: string } }, ...ControlUpdate[]];
  /** What the entry is then. */
  readonly after: EntryChange;
  readonly next: NewEntry | undefined;
}

/** How long the look after what follows an entry may take until somebody else does it, in milliseconds. */
const HAND_OVER_MS = 30_000;

/** Epoch seconds until which what is over is kept. */
export function expiryOf(
  { retentionMs }: Pick<SchedulerContext, "retentionMs">,
  entry: Pick<Entry, "fireAtMs">,
  nowMs: number,
): number {
  return Math.ceil((Math.max(nowMs, entry.fireAtMs) + retentionMs) / 1_000);
}

/** The occurrence that follows one of a series; undefined when it is the last, or has its follower. */
export function followerOf(
  { runtime }: Pick<SchedulerContext, "runtime">,
  entry: Entry,
  finishedAtMs: number,
): NewEntry | undefined {
  const { definition, name, generation, shard } = entry;
  if (generation === undefined || name === undefined) return undefined;
  const { overlap, jitterMs } = definition;
  const successor = successorOf({ ...runOf(entry, finishedAtMs), overlap, finishedAtMs });
  if (successor === undefined) return undefined;
  const { dueMs, bufferedAtMs } = successor;
  const fireAtMs = dueMs + jitterOf(`${name}|${generation}|${dueMs}`, jitterMs);
  const id = newEntryId(fireAtMs, shard, runtime.random);
  return { id, definition, dueMs, name, generation, bufferedAtMs, previousId: entry.id };
}

/** A run as the rules of recurrence see it. */
export function runOf(entry: Entry, nowMs: number): Run {
  const { definition, dueMs, startedAtMs, bufferedAtMs } = entry;
  const { spec, misfire } = definition;
  return { spec, misfire, dueMs, startedAtMs: startedAtMs ?? nowMs, bufferedAtMs };
}

export function endingWrites(
  context: Pick<SchedulerContext, "runtime" | "retentionMs" | "guards">,
  entry: Entry,
  { ending, token, goesOn }: { readonly ending: Ending; readonly token: string; readonly goesOn: boolean },
): EndingWrites {
  const { state, nowMs, reason, attempts, failures } = ending;
  const isSeries = goesOn && entry.generation !== undefined && entry.nextId === undefined;
  const next = isSeries ? followerOf(context, entry, nowMs) : undefined;
  const counts = {
    ...(attempts === undefined ? undefined : { attempts }),
    ...(failures === undefined ? undefined : { failures }),
  };
  const nextId = next?.id ?? entry.nextId;
  const over = { ...overChange(context, entry, { state, nowMs, reason }), ...counts, nextId };
  const handsOver = next !== undefined && context.guards.handsOver && isNear(placeOf(next.id).minute, nowMs);
  const after: EntryChange = handsOver
    ? { state: "claimed", claimedUntilMs: nowMs + HAND_OVER_MS, nextId, nextState: state, reason, ...counts }
    : over;
  const first = entryUpdate(entry, token, after);
  const changes: ControlUpdate[] = [];
  if (next !== undefined) changes.push(newEntryUpdate(next));
  if (isSeries) {
    const { generation, id, dueMs } = entry;
    const at = { name: String(entry.name), generation: Number(generation), id, dueMs };
    changes.push(goOnUpdate(at, next ?? { ttl: expiryOf(context, entry, nowMs) }));
  }
  if (state === "parked") changes.push(parkedUpdate(entry, nowMs));
  return { changes: [{ ...first, set: { ...first.set, tk: token } }, ...changes], after, next };
}

/** An entry to which nothing happens any more. */
export function overChange(
  context: Pick<SchedulerContext, "retentionMs">,
  entry: Pick<Entry, "fireAtMs">,
  {
    state,
    nowMs,
    reason,
  }: { readonly state: EntryState; readonly nowMs: number; readonly reason?: string | undefined },
): EntryChange {
  return {
    state,
    endedAtMs: nowMs,
    claimedUntilMs: undefined,
    retryAtMs: undefined,
    nextState: undefined,
    reason,
    // What is parked waits for somebody, however long that takes.
    ttl: state === "parked" ? undefined : expiryOf(context, entry, nowMs),
  };
}

/** What says that an entry is parked, for those who list them. */
function parkedUpdate({ id }: Entry, nowMs: number): ControlUpdate {
  return { key: parkedKey(id), where: {}, set: { at: nowMs } };
}
