import { describe, expect, it } from "vitest";
import type { EnqueueGuards } from "../src/enqueue/guards.ts";
import { type EnqueueHistory, type EnqueueSabotage, runEnqueueHistory } from "./enqueue-model.ts";

const SEEDS = Number(process.env["HISTORIES"] ?? 60);

/** The problems of many histories; stops at `enough` problems. */
async function problemsOf(
  seeds: number,
  history?: EnqueueHistory,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds && problems.length < enough; seed++) {
    problems.push(...(await runEnqueueHistory(seed, history)));
  }
  return problems;
}

describe("enqueueing", () => {
  it(`loses, repeats and reorders nothing in ${SEEDS} histories`, { timeout: 300_000 }, async () => {
    expect(await problemsOf(SEEDS)).toEqual([]);
  });

  it("gives 32 writers positions 1 to N, each message once", { timeout: 60_000 }, async () => {
    expect(await problemsOf(Math.max(1, SEEDS / 60), { writers: 32, calls: 3 })).toEqual([]);
  });

  const guards = (off: Partial<EnqueueGuards>): EnqueueSabotage => ({ guards: off });
  const sabotages: Record<string, EnqueueSabotage> = {
    "the queue is not read back": guards({ looksBack: false }),
    "what others write is not taken in": guards({ takesInWinners: false }),
    "messages of one group are not compared": guards({ comparesGroup: false }),
    "clocks are believed to be the same": guards({ marginMs: -20_000 }),
    "nothing says that a producer is new": guards({ hintsFirst: false }),
    "what ids are looked for in is trimmed": { trimMarginMs: -10_000 },
    "puts are not conditional": { isUnconditional: true },
  };
  for (const [name, sabotage] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 60_000 }, async () => {
      expect(await problemsOf(1_000, sabotage, 1)).not.toEqual([]);
    });
  }
});
