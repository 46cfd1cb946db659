import { describe, expect, it } from "vitest";
import { type LogSabotage, runLogHistory } from "./log-history.ts";

/** Others with `SEED=…`; problems name theirs. */
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const HISTORIES = Number(process.env["HISTORIES"] ?? 50);

async function firstProblems(histories: number, sabotage: LogSabotage = {}): Promise<readonly string[]> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + histories; seed++) {
    const problems = await runLogHistory(seed, sabotage);
    if (problems.length > 0) return problems;
  }
  return [];
}

describe("a log that workers keep", () => {
  it("has every event once, in order, whatever becomes of shards, records and workers", async () => {
    expect(await firstProblems(HISTORIES)).toEqual([]);
  });
});

describe("the histories notice", () => {
  it.each<[string, LogSabotage]>([
    ["gaps that are not repaired", { leavesGaps: true }],
    ["a position that moves before the log has the events", { guards: { commitsWhenDone: false } }],
  ])("%s", async (_, sabotage) => {
    expect(await firstProblems(60, sabotage)).not.toEqual([]);
  });
});
