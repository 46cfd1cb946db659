import type { ControlItem, ControlUpdate, ControlValue } from "@tuppence/core/leases";
import { type Definition, decodeDefinition, encodeDefinition } from "../definition.ts";
import { type EntryPlace, placeOf } from "./entry-id.ts";
import { entryKey } from "./keys.ts";

/**
 * One occurrence of a schedule as it is stored. What is written stays readable for ever.
 *
 * ```
 * p   S  DUE|shard|minute          s  S  id
 * st  S  state                     tk S  token: another with each change of the entry
 * d   S  definition, JSON          u  N  when it was scheduled for, epoch ms
 * n   S  name, if it has one       g  N  generation of the series that it goes on for; absent where nothing follows
 * a   N  attempts begun            f  N  of these, failed for good reason
 * cu  N  claimed until, epoch ms   ra N  not tried again before, epoch ms
 * t0  N  when it was begun first   b  N  when the run before ended that this one waited for
 * t1  N  when it was over          e  S  why the last attempt failed
 * x   S  id of what follows it     h  S  state to come, once that was looked after
 * v   S  id of what it follows     ttl N epoch seconds, once it is over
 * ```
 */
export interface Entry extends EntryPlace {
  readonly id: string;
  readonly state: EntryState;
  readonly token: string | undefined;
  readonly definition: Definition;
  readonly dueMs: number;
  readonly name: string | undefined;
  readonly generation: number | undefined;
  readonly attempts: number;
  readonly failures: number;
  readonly claimedUntilMs: number | undefined;
  readonly retryAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly bufferedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly reason: string | undefined;
  readonly nextId: string | undefined;
  readonly nextState: EntryState | undefined;
  readonly previousId: string | undefined;
}

/** What an entry is doing. */
export type EntryState =
  /** Waits for its time, or for the next attempt. */
  | "pending"
  /** Somebody fires it. */
  | "claimed"
  /** Waits to be resumed. */
  | "paused"
  /** Failed too often: waits to be replayed. */
  | "parked"
  | "fired"
  | "cancelled"
  /** Passed over by a policy of its series, or while that was paused. */
  | "skipped"
  /** Another entry has taken its place. */
  | "moved";

const OVER: ReadonlySet<EntryState> = new Set(["fired", "cancelled", "skipped", "moved"]);
const OPEN: ReadonlySet<EntryState> = new Set(["pending", "claimed", "paused"]);

/** Whether nothing will ever happen to it any more. */
export function isEntryOver({ state }: Entry): boolean {
  return OVER.has(state);
}

/** Whether its minute has to stay open for it. */
export function isEntryOpen({ state }: Entry): boolean {
  return OPEN.has(state);
}

/** The same of an entry as it is stored, before all of it is read. */
export function isItemOpen({ st }: ControlItem): boolean {
  return OPEN.has(st as EntryState);
}

/** What an entry is made from. */
export interface NewEntry {
  readonly id: string;
  readonly definition: Definition;
  readonly dueMs: number;
  readonly name?: string | undefined;
  readonly generation?: number | undefined;
  readonly bufferedAtMs?: number | undefined;
  readonly previousId?: string | undefined;
}

/** The put of a new entry; refused where there is one. */
export function newEntryUpdate(entry: NewEntry): ControlUpdate {
  return {
    key: entryKey(entry.id),
    where: { st: undefined },
    set: {
      st: "pending" satisfies EntryState,
      d: encodeDefinition(entry.definition),
      u: entry.dueMs,
      ...present({ n: entry.name, g: entry.generation, b: entry.bufferedAtMs, v: entry.previousId }),
    },
  };
}

function present(values: Record<string, ControlValue | undefined>): Record<string, ControlValue> {
  return Object.fromEntries(
    Object.entries(values).filter((each): each is [string, ControlValue] => each[1] !== undefined),
  );
}

export function decodeEntry(id: string, item: ControlItem): Entry {
  const text = (name: string): string | undefined => {
    const value = item[name];
    return value === undefined ? undefined : String(value);
  };
  const number = (name: string): number | undefined => {
    const value = item[name];
    return value === undefined ? undefined : Number(value);
  };
  const dueMs = number("u") ?? 0;
  return {
    id,
    ...placeOf(id),
    state: text("st") as EntryState,
    token: text("tk"),
    definition: decodeDefinition(String(item["d"]), dueMs),
    dueMs,
    name: text("n"),
    generation: number("g"),
    attempts: number("a") ?? 0,
    failures: number("f") ?? 0,
    claimedUntilMs: number("cu"),
    retryAtMs: number("ra"),
    startedAtMs: number("t0"),
    bufferedAtMs: number("b"),
    endedAtMs: number("t1"),
    reason: text("e"),
    nextId: text("x"),
    nextState: text("h") as EntryState | undefined,
    previousId: text("v"),
  };
}

/** The values of a change: undefined takes an attribute away. */
export interface EntryChange {
  readonly state: EntryState;
  readonly attempts?: number;
  readonly failures?: number;
  readonly claimedUntilMs?: number | undefined;
  readonly retryAtMs?: number | undefined;
  readonly startedAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  readonly reason?: string | undefined;
  readonly nextId?: string | undefined;
  readonly nextState?: EntryState | undefined;
  readonly ttl?: number | undefined;
}

const ATTRIBUTES = {
  state: "st",
  attempts: "a",
  failures: "f",
  claimedUntilMs: "cu",
  retryAtMs: "ra",
  startedAtMs: "t0",
  endedAtMs: "t1",
  reason: "e",
  nextId: "x",
  nextState: "h",
  ttl: "ttl",
} as const satisfies Record<keyof EntryChange, string>;

/** A change of an entry that is still as it was seen. What the change does not name stays as it is. */
export function entryUpdate(
  seen: Pick<Entry, "id" | "state" | "token">,
  token: string,
  change: EntryChange,
): ControlUpdate {
  const set: Record<string, ControlValue | undefined> = { tk: token };
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    if (name in change) set[attribute] = change[name as keyof EntryChange];
  }
  return { key: entryKey(seen.id), where: { st: seen.state, tk: seen.token }, set };
}

/** The entry after a change. */
export function entryAfter(entry: Entry, token: string, change: EntryChange): Entry {
  return { ...entry, ...change, token };
}
