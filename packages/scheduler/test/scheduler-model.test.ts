import { describe, expect, it } from "vitest";
import type { SchedulerGuards } from "../src/guards.ts";
import { type Drive, runHistory, type SchedulerHistory } from "./scheduler-model.ts";

const HISTORIES = Number(process.env["HISTORIES"] ?? 10);
/** Among so many histories each missing guard is found. */
const SABOTAGED = 60;
const DRIVES = ["bells", "worker", "both"] as const;

/** The first problem of this kind that is found. */
async function firstProblem(
  kind: RegExp,
  drives: readonly Drive[],
  guards: Partial<SchedulerGuards>,
): Promise<string> {
  for (let seed = 1; seed <= SABOTAGED; seed++) {
    for (const drive of drives) {
      const { problems } = await runHistory(seed, drive, guards);
      const found = problems.find((problem) => kind.test(problem));
      if (found !== undefined) return found;
    }
  }
  return "nothing was found";
}

describe("the model of schedules", () => {
  it.each(DRIVES)(
    `loses nothing, fires nothing twice, early, or after its cancellation in ${HISTORIES} histories: %s`,
    {
      timeout: 600_000,
    },
    async (drive) => {
      const histories: SchedulerHistory[] = [];
      for (let seed = 1; seed <= HISTORIES; seed++) histories.push(await runHistory(seed, drive));
      expect(histories.flatMap(({ problems }) => problems)).toEqual([]);
      const sum = (count: (history: SchedulerHistory) => number): number =>
        histories.reduce((total, history) => total + count(history), 0);
      // A model in which nothing happens proves nothing.
      expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(4 * HISTORIES);
      expect(sum(({ fired }) => fired)).toBeGreaterThan(3 * HISTORIES);
      expect(sum(({ cancelled }) => cancelled)).toBeGreaterThan(0);
    },
  );

  it.each(DRIVES)("goes the same way whenever a seed is run: %s", async (drive) => {
    const runs = [await runHistory(7, drive), await runHistory(7, drive), await runHistory(8, drive)];
    const [first, again, another] = runs.map(({ trace }) => trace);
    expect(again).toBe(first);
    expect(another).not.toBe(first);
  });

  // All the others are needed at rare moments: races.test.ts has those, one by one.
  /** What is switched off, what drives then, and what the checks have to say. */
  const sabotages: Partial<Record<keyof SchedulerGuards, readonly [RegExp, readonly Drive[]]>> = {
    putsSecondBell: [/was lost|died/, ["bells"]],
    trustsBell: [/was lost|died/, ["bells"]],
  };

  it.each(Object.entries(sabotages))(
    "finds what is wrong without %s",
    { timeout: 600_000 },
    async (guard, [kind, drives]) => {
      expect(await firstProblem(kind, drives, { [guard]: false })).toMatch(kind);
    },
  );
});
