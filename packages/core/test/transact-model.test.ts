import { describe, expect, it } from "vitest";
import { runTransactHistory, type TransactSabotage } from "./transact-model.ts";

/** More with `HISTORIES=…`. */
const SEEDS = Number(process.env["HISTORIES"] ?? 400);

/** Within so many, what is switched off has to be found; the rarest is, in number 137. */
const CONTROL_SEEDS = 400;

/** The problems of many histories; stops at `enough` problems. */
async function problemsOf(
  seeds: number,
  sabotage?: TransactSabotage,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds && problems.length < enough; seed++) {
    problems.push(...(await runTransactHistory(seed, sabotage)));
  }
  return problems;
}

describe("the model of transactions", () => {
  it(`finds none half written, lost, doubled or against its checks in ${SEEDS} histories`, {
    timeout: 300_000,
  }, async () => {
    expect(await problemsOf(SEEDS)).toEqual([]);
  });

  const sabotages: Record<string, TransactSabotage> = {
    "own transactions are not recognised": { guards: { findOwn: () => undefined } },
    "a transaction with an own id is not looked for": { guards: { looksBack: false } },
    "retries have a new id": { forgetsIds: true },
    "closed streams are written to": { guards: { isOpen: () => true } },
    "a bare number is believed": { guards: { provesEnd: () => true } },
    "puts are not conditional": { unconditional: true },
    "checks are left out": { uncheckedSlots: true },
    "parts are written one by one": { splitTransactions: true },
  };
  for (const [name, sabotage] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      expect(await problemsOf(CONTROL_SEEDS, sabotage, 1)).not.toEqual([]);
    });
  }
});
