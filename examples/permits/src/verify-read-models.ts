import { isDeepStrictEqual } from "node:util";
import { type OpenCases, openCasesAfter, type WorkDone, workDoneAfter, workKey } from "./read-models.ts";
import type { LoggedTask } from "./receipt-log.ts";
import { foldTasks } from "./verify.ts";

/** Both read models as they are stored. */
export interface ReadModels {
  readonly openCases: ReadonlyMap<string, OpenCases>;
  readonly workDone: ReadonlyMap<string, WorkDone>;
}

/** Compares the read models with a fold of the file that no store had a part in; nothing when they are the same. */
export function findReadModelDifferences(
  stored: ReadModels,
  tasks: readonly LoggedTask[],
): readonly string[] {
  const expected = foldReadModels(tasks);
  return [
    ...mapDifferences("open-cases", stored.openCases, expected.openCases),
    ...mapDifferences("work-done", stored.workDone, expected.workDone),
  ];
}

function foldReadModels(tasks: readonly LoggedTask[]): ReadModels {
  const departments = new Map(tasks.map(({ streamId, department }) => [streamId, department]));
  const openCases = new Map<string, OpenCases>();
  const workDone = new Map<string, WorkDone>();
  for (const [streamId, { events }] of foldTasks(tasks)) {
    const department = departments.get(streamId) ?? "";
    for (const { type, data } of events) {
      const cases = openCases.get(department) ?? { received: 0, open: {} };
      openCases.set(department, openCasesAfter(cases, streamId, type));
      const key = workKey(data);
      workDone.set(key, workDoneAfter(workDone.get(key) ?? { tasks: 0, byType: {} }, type));
    }
  }
  return { openCases, workDone };
}

function mapDifferences<State>(
  name: string,
  stored: ReadonlyMap<string, State>,
  expected: ReadonlyMap<string, State>,
): string[] {
  const missing = [...expected.keys()].filter((key) => !stored.has(key));
  return [
    ...missing.map((key) => `${name}: ${key} is missing`),
    ...[...stored].flatMap(([key, state]) =>
      isDeepStrictEqual(state, expected.get(key)) ? [] : [`${name}: ${key} is not a fold of the file`],
    ),
  ];
}
