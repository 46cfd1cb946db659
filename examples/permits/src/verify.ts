import { isDeepStrictEqual } from "node:util";
import type { RecordedEventOf } from "@tuppence/core";
import pMap from "p-map";
import { permit } from "./permit.ts";
import type { PermitEvent, permitEvents } from "./permit-events.ts";
import type { PermitState } from "./permit-state.ts";
import { CATEGORY, type LoggedTask } from "./receipt-log.ts";
import { CONCURRENCY, type PermitStore } from "./send-tasks.ts";

/** A case as the store has it. */
export interface StoredCase {
  readonly streamId: string;
  readonly events: readonly RecordedEventOf<typeof permitEvents>[];
  readonly state: PermitState;
}

/** Reads every event of every stream back, strongly consistent. */
export async function readBack(store: PermitStore): Promise<readonly StoredCase[]> {
  return pMap(store.listStreams(CATEGORY), (streamId) => readCase(store, streamId), {
    concurrency: CONCURRENCY,
  });
}

async function readCase(store: PermitStore, streamId: string): Promise<StoredCase> {
  const events: RecordedEventOf<typeof permitEvents>[] = [];
  let state = permit.initialState();
  for await (const event of store.read(streamId)) {
    events.push(event);
    state = permit.evolve(state, event);
  }
  return { streamId, events, state };
}

interface ExpectedCase {
  readonly events: readonly PermitEvent[];
  readonly state: PermitState;
}

/** Compares what is stored with a fold of the file that no store had a part in; nothing when all is the same. */
export function findDifferences(
  stored: readonly StoredCase[],
  tasks: readonly LoggedTask[],
): readonly string[] {
  const expected = foldTasks(tasks);
  const found = new Set(stored.map(({ streamId }) => streamId));
  const missing = [...expected.keys()].filter((streamId) => !found.has(streamId));
  return [
    ...missing.map((streamId) => `${streamId}: is in the file and not in the store`),
    ...stored.flatMap((each) => caseDifferences(each, expected.get(each.streamId))),
  ];
}

export function foldTasks(tasks: readonly LoggedTask[]): ReadonlyMap<string, ExpectedCase> {
  const cases = new Map<string, { events: PermitEvent[]; state: PermitState }>();
  for (const { streamId, command } of tasks) {
    const { events, state } = cases.get(streamId) ?? { events: [], state: permit.initialState() };
    const decided = [permit.decide(command, state)].flat();
    events.push(...decided);
    cases.set(streamId, { events, state: decided.reduce(permit.evolve, state) });
  }
  return cases;
}

function caseDifferences(
  { streamId, events, state }: StoredCase,
  expected: ExpectedCase | undefined,
): string[] {
  if (expected === undefined) return [`${streamId}: is in the store and not in the file`];
  const differences: string[] = [];
  if (events.length !== expected.events.length) {
    differences.push(`${streamId}: has ${events.length} events, and the file ${expected.events.length}`);
  }
  for (const [index, { type, data, version }] of events.entries()) {
    if (version !== index + 1) differences.push(`${streamId}: version ${version} is in place ${index + 1}`);
    const other = expected.events[index];
    if (other !== undefined && !isDeepStrictEqual({ type, data }, { type: other.type, data: other.data })) {
      differences.push(`${streamId}: version ${version}, ${type}, is not what the file says`);
    }
  }
  if (!isDeepStrictEqual(state, expected.state)) {
    differences.push(`${streamId}: its state is not a fold of the file`);
  }
  return differences;
}
