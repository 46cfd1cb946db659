import type { ControlItem, ControlUpdate } from "@tuppence/core/leases";
import { type Definition, decodeDefinition, encodeDefinition } from "../definition.ts";
import { nameKey } from "../entries/keys.ts";
import type { ScheduleItems } from "../storage/schedule-storage.ts";

/**
 * A schedule that has a name, as it is stored. What is written stays readable for ever.
 *
 * ```
 * p  S  NAME|partition    s   S  name
 * st S  state             g   N  generation: another with each change that somebody asked for
 * g0 N  generation since which it is the same schedule: pauses and moves leave it one, something else under the name does not
 * d  S  definition, JSON  u   N  its time if it is for once, epoch ms
 * x  S  id of its entry   ttl N  epoch seconds, once it is over
 * tk S  token             l   N  due time of the last occurrence of a series that was begun or passed over, epoch ms; absent: none
 * ```
 *
 * Its entry is the occurrence that is under way or next; who makes the one that follows moves `x`, and is refused if the generation is
 * another: a series never forks.
 */
export interface NamedSchedule {
  readonly name: string;
  readonly state: NameState;
  readonly generation: number;
  readonly firstGeneration: number;
  readonly definition: Definition;
  readonly dueMs: number;
  readonly entryId: string;
  /** The due time after which a series goes on, whoever changes it; undefined: it has not begun, or is none. */
  readonly passedMs?: number | undefined;
}

type NameState = "active" | "paused" | "cancelled" | "over";

export async function findNamed(
  { storage, signal }: { readonly storage: ScheduleItems; readonly signal?: AbortSignal | undefined },
  name: string,
): Promise<NamedSchedule | undefined> {
  const item = await storage.find(nameKey(name), signal);
  return item && decodeNamed(name, item);
}

export function decodeNamed(name: string, item: ControlItem): NamedSchedule {
  const dueMs = Number(item["u"]);
  return {
    name,
    state: String(item["st"]) as NameState,
    generation: Number(item["g"]),
    firstGeneration: Number(item["g0"]),
    definition: decodeDefinition(String(item["d"]), dueMs),
    dueMs,
    entryId: String(item["x"]),
    passedMs: item["l"] === undefined ? undefined : Number(item["l"]),
  };
}

/** A named schedule in the place of the one that was seen; undefined: of none. */
export function putNamedUpdate(
  schedule: NamedSchedule,
  seen: Pick<NamedSchedule, "generation" | "entryId"> | undefined,
  token: string,
): ControlUpdate & { readonly set: { readonly tk: string } } {
  const { name, state, generation, firstGeneration, definition, dueMs, entryId, passedMs } = schedule;
  const set = {
    st: state,
    g: generation,
    g0: firstGeneration,
    d: encodeDefinition(definition),
    u: dueMs,
    x: entryId,
    l: passedMs,
  };
  return {
    key: nameKey(name),
    where: { g: seen?.generation, x: seen?.entryId },
    set: { ...set, ttl: undefined, tk: token },
  };
}

/** The move of a series to its next occurrence, or to its end. */
export function goOnUpdate(
  at: { readonly name: string; readonly generation: number; readonly id: string; readonly dueMs: number },
  to: { readonly id: string } | { readonly ttl: number },
): ControlUpdate {
  return {
    key: nameKey(at.name),
    where: { st: "active", g: at.generation, x: at.id },
    set: { l: at.dueMs, ...("id" in to ? { x: to.id } : { st: "over", ttl: to.ttl }) },
  };
}
