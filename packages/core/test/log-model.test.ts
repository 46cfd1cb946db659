import { describe, expect, test } from "vitest";
import { type LogSabotage, runLogHistory } from "./log-model.ts";

async function problemsOf(histories: number, sabotage?: LogSabotage): Promise<readonly string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= histories; seed++) problems.push(...(await runLogHistory(seed, sabotage)));
  return problems;
}

test("whatever goes wrong, the log has every commit once, in its stream's order, and all readers see the same", async () => {
  expect(await problemsOf(Number(process.env["HISTORIES"] ?? 150))).toEqual([]);
});

describe("is noticed", () => {
  test("when the log is not looked back at", async () => {
    const problems = await problemsOf(20, { guards: { lookBackMs: -1e9 } });
    expect(problems.join("\n")).toContain("in the log twice");
  });

  test("when the times of pages are not carried", async () => {
    const problems = await problemsOf(25, { guards: { lookBackMs: 0 }, timesNotCarried: true });
    expect(problems.join("\n")).toContain("in the log twice");
    // Without a margin, but with times carried, nothing is twice.
    const carried = await problemsOf(25, { guards: { lookBackMs: 0 } });
    expect(carried.join("\n")).not.toContain("in the log twice");
  });

  test("when predecessors are not looked for", async () => {
    const problems = await problemsOf(20, { guards: { takesPredecessors: false } });
    expect(problems.join("\n")).toContain("comes where version");
  });

  test("when readers step over holes", async () => {
    const problems = await problemsOf(20, { stepsOverHoles: true });
    expect(problems.join("\n")).toContain("a reader saw another order");
  });
});
