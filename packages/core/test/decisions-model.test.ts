import { describe, expect, it } from "vitest";
import { type DecisionSabotage, runDecisionHistory } from "./decisions-model.ts";

/** More with `HISTORIES=…`. */
const SEEDS = Number(process.env["HISTORIES"] ?? 400);

/** Within so many, what is switched off has to be found; the rarest is, in number 175. */
const CONTROL_SEEDS = 400;

/** The problems of many histories; stops at `enough` problems. */
async function problemsOf(
  seeds: number,
  sabotage?: DecisionSabotage,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds && problems.length < enough; seed++) {
    problems.push(...(await runDecisionHistory(seed, sabotage)));
  }
  return problems;
}

describe("the model of decisions", () => {
  it(`finds an order that explains every decision and refusal of ${SEEDS} histories, each stored once`, {
    timeout: 300_000,
  }, async () => {
    expect(await problemsOf(SEEDS, undefined, 5)).toEqual([]);
  });

  const sabotages: Record<string, DecisionSabotage> = {
    "what was read is no condition": { forgetsReads: true },
    "checks are left out": { uncheckedSlots: true },
    "own events are not recognised": { meetsNoOwn: true },
    "refusals are believed": { believesRefusals: true },
    "own transactions are not recognised": { guards: { findOwn: () => undefined } },
    "closed streams are written to": { guards: { isOpen: () => true } },
    "parts are written one by one": { splitTransactions: true },
  };
  for (const [name, sabotage] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      expect(await problemsOf(CONTROL_SEEDS, sabotage, 1)).not.toEqual([]);
    });
  }
});
