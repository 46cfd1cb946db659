import type { ControlItem } from "@tuppence/core/leases";

/** Lanes that were begun together, and end together. Numbers are never used again. */
export interface Generation {
  readonly number: number;
  readonly lanes: number;
}

/**
 * What a consumer group is. Its lanes change in generations, by these rules, each step one conditional write of this one item:
 *
 * - Lanes of a generation run while it is the current one, and no lease of a `retired` one is left.
 * - With a `previous` generation, its lanes are sealed first, each where it is; those of the current one begin once all are sealed,
 *   from what their last states say. As sealed lanes never change, everybody who reads them comes to the same.
 * - `previous` is let go of when every current lane has stored its own state, and is past all of theirs.
 *
 * So a message is one lane's at any time, and what comes of a key stays in order.
 */
export interface GroupDefinition {
  readonly name: string;
  /** Goes up with every change. */
  readonly revision: number;
  readonly current: Generation;
  /** Where the lanes of the current generation begin when there is no previous one: everything up to here counts as done. */
  readonly after: number;
  readonly previous: Generation | undefined;
  /** Those whose leases are to be taken away. */
  readonly retired: readonly Generation[];
  /** How often it was asked to handle what is parked. */
  readonly redrives: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** What is left of it keeps its numbers from being used again. */
  readonly deleted: boolean;
}

/** A group begins, again if there was one of the name. */
export function beginGroup(
  was: GroupDefinition | undefined,
  begun: {
    readonly name: string;
    readonly lanes: number;
    readonly after: number;
    readonly now: number;
  },
): GroupDefinition {
  const { name, lanes, after, now } = begun;
  return {
    name,
    revision: was?.revision ?? 0,
    current: { number: (was?.current.number ?? 0) + 1, lanes },
    after,
    previous: undefined,
    retired: was?.retired ?? [],
    redrives: was?.redrives ?? 0,
    createdAt: now,
    deleted: false,
  };
}

/** Other lanes take over from those that there are. Not while such a change is under way. */
export function changeLanes(group: GroupDefinition, lanes: number): GroupDefinition | "busy" {
  if (lanes === group.current.lanes) return group;
  if (group.previous !== undefined) return "busy";
  const current = { number: group.current.number + 1, lanes };
  return { ...group, current, previous: group.current };
}

/** All that the lanes before knew is in the current ones. */
export function letGoOfPrevious(group: GroupDefinition): GroupDefinition {
  const { previous, retired } = group;
  return previous === undefined ? group : { ...group, previous: undefined, retired: [...retired, previous] };
}

/** Begins anew behind a position, with nothing parked. */
export function resetGroup(group: GroupDefinition, after: number): GroupDefinition {
  const { current, previous, retired } = group;
  return {
    ...group,
    current: { number: current.number + 1, lanes: current.lanes },
    after,
    previous: undefined,
    retired: [...retired, ...(previous ? [previous] : []), current],
  };
}

/** Nothing is left of the leases of these generations. */
export function forgetRetired(group: GroupDefinition, gone: readonly Generation[]): GroupDefinition {
  const numbers = new Set(gone.map(({ number }) => number));
  const retired = group.retired.filter(({ number }) => !numbers.has(number));
  return retired.length === group.retired.length ? group : { ...group, retired };
}

/** Ends it. */
export function endGroup(group: GroupDefinition): GroupDefinition {
  return { ...resetGroup(group, 0), deleted: true };
}

/** The lease of a lane. */
export function laneResource({ number }: Pick<Generation, "number">, lane: number): string {
  return `${number}/${lane}`;
}

/** The leases of all lanes of a generation. */
export function laneResources(generation: Generation): readonly string[] {
  return Array.from({ length: generation.lanes }, (_, lane) => laneResource(generation, lane));
}

export function parseLaneResource(resource: string): { readonly generation: number; readonly lane: number } {
  const [generation, lane] = resource.split("/");
  return { generation: Number(generation), lane: Number(lane) };
}

/** The control item of a group within its queue. */
export function groupSort(name: string): string {
  return `group|${name}`;
}

/** The name of the group that a control item of a queue is about; undefined when it is about something else. */
export function groupOfSort(sort: string): string | undefined {
  return sort.startsWith("group|") ? sort.slice("group|".length) : undefined;
}

export function groupAttributes(
  group: GroupDefinition,
): Readonly<Record<string, string | number | undefined>> {
  const { current, previous, retired, after, redrives, createdAt, deleted } = group;
  return {
    generation: current.number,
    lanes: current.lanes,
    after,
    previous: previous && generationText(previous),
    retired: retired.length === 0 ? undefined : retired.map(generationText).join(" "),
    redrives,
    createdAt,
    deleted: deleted ? 1 : undefined,
  };
}

export function readGroup(name: string, item: ControlItem): GroupDefinition {
  const { previous, retired } = item;
  return {
    name,
    revision: Number(item["revision"]),
    current: { number: Number(item["generation"]), lanes: Number(item["lanes"]) },
    after: Number(item["after"]),
    previous: previous === undefined ? undefined : readGeneration(String(previous)),
    retired: retired === undefined ? [] : String(retired).split(" ").map(readGeneration),
    redrives: Number(item["redrives"]),
    createdAt: Number(item["createdAt"]),
    deleted: item["deleted"] === 1,
  };
}

function generationText({ number, lanes }: Generation): string {
  return `${number}/${lanes}`;
}

function readGeneration(text: string): Generation {
  const [number, lanes] = text.split("/");
  return { number: Number(number), lanes: Number(lanes) };
}
