import { describe, expect, it } from "vitest";
import type { ChainGuards } from "../src/chain/tiling.ts";
import type { Sabotage } from "./faulty-storage.ts";
import { runHistory } from "./model.ts";

/** More with `HISTORIES=…`. */
const SEEDS = Number(process.env["HISTORIES"] ?? 400);

/** Within so many, what is switched off has to be found; the rarest is, in number 6. */
const CONTROL_SEEDS = 400;

/** The problems of many histories; stops at `enough` problems. */
async function problemsOf(
  seeds: number,
  sabotage?: Sabotage,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds && problems.length < enough; seed++) {
    problems.push(...(await runHistory(seed, sabotage)));
  }
  return problems;
}

describe("the model", () => {
  it(`finds no gap, overlap, loss, duplicate or half commit in ${SEEDS} histories`, {
    timeout: 300_000,
  }, async () => {
    expect(await problemsOf(SEEDS)).toEqual([]);
  });

  const guards = (off: Partial<ChainGuards>): Sabotage => ({ guards: off });
  const sabotages: Record<string, Sabotage> = {
    "own commits are not recognised": guards({ findOwn: () => undefined }),
    "a lost race goes on right after the winner's first slot": guards({
      endAfter: (winner) => ({ version: winner.first, t: winner.t, closed: winner.closed }),
    }),
    "a bare number is believed": guards({ provesEnd: () => true }),
    "a commit with an own id is not looked for": guards({ looksBack: false }),
    "holes in a page are not filled": guards({ fillsHoles: false }),
    "puts are not conditional": { unconditional: true },
    "several items are not one transaction": { splitTransactions: true },
  };
  for (const [name, sabotage] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      expect(await problemsOf(CONTROL_SEEDS, sabotage, 1)).not.toEqual([]);
    });
  }
});
