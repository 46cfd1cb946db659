import { describe, expect, test } from "vitest";
import { type LogSabotage, runLogHistory } from "./log-model.ts";

/** More with `HISTORIES=…`. */
const HISTORIES = Number(process.env["HISTORIES"] ?? 60);

/** Within so many, what is switched off has to be noticed; the latest is, in number 7. */
const CONTROL_HISTORIES = 25;

/** The problems of histories, up to and with the first that has this one; default: of all. */
async function problemsOf(histories: number, sabotage?: LogSabotage, last?: string): Promise<string> {
  const problems: string[] = [];
  for (let seed = 1; seed <= histories; seed++) {
    problems.push(...(await runLogHistory(seed, sabotage)));
    if (last !== undefined && problems.some((problem) => problem.includes(last))) break;
  }
  return problems.join("\n");
}

test("whatever goes wrong, the log has every commit once, in its stream's order, and all readers see the same", {
  timeout: 300_000,
}, async () => {
  expect(await problemsOf(HISTORIES)).toBe("");
});

describe("is noticed", () => {
  test.each<[string, LogSabotage, string]>([
    ["the log is not looked back at", { guards: { lookBackMs: -1e9 } }, "in the log twice"],
    [
      "the times of pages are not carried",
      { guards: { lookBackMs: 0 }, timesNotCarried: true },
      "in the log twice",
    ],
    ["predecessors are not looked for", { guards: { takesPredecessors: false } }, "comes where version"],
    ["readers step over holes", { stepsOverHoles: true }, "a reader saw another order"],
  ])("when %s", async (_, sabotage, problem) => {
    expect(await problemsOf(CONTROL_HISTORIES, sabotage, problem)).toContain(problem);
  });

  test("only then: without a margin, but with times carried, nothing is twice", async () => {
    expect(await problemsOf(CONTROL_HISTORIES, { guards: { lookBackMs: 0 } })).not.toContain(
      "in the log twice",
    );
  });
});
