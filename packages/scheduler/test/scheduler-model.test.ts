import { describe, expect, it } from "vitest";
import { runHistory, type SchedulerHistory } from "./scheduler-model.ts";

const HISTORIES = Number(process.env["HISTORIES"] ?? 10);
const DRIVES = ["bells", "worker", "both"] as const;

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
});
