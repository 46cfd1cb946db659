import { describe, expect, it } from "vitest";
import { runSnapshotHistory, type SnapshotSabotage } from "./snapshot-model.ts";

/** More with `HISTORIES=…`; what is switched off is found in the first. */
const SEEDS = Number(process.env["HISTORIES"] ?? 400);

async function problemsOf(
  sabotage?: SnapshotSabotage,
  enough = Number.POSITIVE_INFINITY,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= SEEDS && problems.length < enough; seed++)
    problems.push(...(await runSnapshotHistory(seed, sabotage)));
  return problems;
}

describe("the model of snapshots and truncation", () => {
  it(`finds no wrong state, and no event lost or doubled, in ${SEEDS} histories`, {
    timeout: 300_000,
  }, async () => {
    expect(await problemsOf()).toEqual([]);
  });

  it.each<SnapshotSabotage>([
    "a snapshot is stored under a version that is not its state's",
    "truncated items are deleted",
    "a snapshot of any version of the fold is taken",
  ])("notices when %s", { timeout: 300_000 }, async (sabotage) => {
    expect(await problemsOf(sabotage, 1)).not.toEqual([]);
  });
});
