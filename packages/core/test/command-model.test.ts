import { describe, expect, it } from "vitest";
import type { HandlerGuards } from "../src/command-handler/guards.ts";
import { runCommandHistory } from "./command-model.ts";

/** More with `HISTORIES=…`. */
const SEEDS = Number(process.env["HISTORIES"] ?? 400);

/** Within so many, what is switched off has to be found; the rarest is, in number 15. */
const CONTROL_SEEDS = 400;

async function problemsOf(
  seeds: number,
  off?: Partial<HandlerGuards>,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds && problems.length < enough; seed++) {
    problems.push(...(await runCommandHistory(seed, off)));
  }
  return problems;
}

describe("the model of commands", () => {
  it(`finds no wrong decision, loss, duplicate or untrue answer in ${SEEDS} histories`, {
    timeout: 300_000,
  }, async () => {
    expect(await problemsOf(SEEDS)).toEqual([]);
  });

  const sabotages: Record<string, Partial<HandlerGuards>> = {
    "a command's commit is not looked for behind the cached state": { searchesBehindCache: false },
    "a state is cached before its events are stored": { keepsOnlyStored: false },
    "a command is refused before the events it was refused for are stored": { waitsForStorage: false },
    "a batch is not decided again after a conflict": { decidesAgain: false },
    "a command is answered by a state of the past": { answersByPresent: false },
  };
  for (const [name, off] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      expect(await problemsOf(CONTROL_SEEDS, off, 1)).not.toEqual([]);
    });
  }
});
