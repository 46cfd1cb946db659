import type { ControlChange } from "@tuppence/core/leases";
import { describe, expect, it } from "vitest";
import { documentAfter } from "../src/documents/document.ts";
import { runProjectionHistory, type Sabotage } from "./projection-model.ts";

/** Others with `SEED=…`; problems name theirs. */
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const HISTORIES = Number(process.env["HISTORIES"] ?? 40);

/** Of histories with something switched off, until the problem is found. */
const SABOTAGED = 60;

describe("the model of projections", () => {
  it(`finds nothing lost, nothing twice, nothing out of order in ${HISTORIES} histories`, {
    timeout: 600_000,
  }, async () => {
    const problems: string[] = [];
    const sums = { parked: 0, replayed: 0, flips: 0, resets: 0, takeovers: 0, waits: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
      const history = await runProjectionHistory(seed);
      problems.push(...history.problems);
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += history.counts[name];
    }
    expect(problems).toEqual([]);
    // A model in which nothing happens proves nothing; a single history may be a calm one.
    expect(Math.min(...Object.values(sums))).toBeGreaterThanOrEqual(Math.floor(HISTORIES / 10));
  });

  const isDocument = (change: ControlChange): boolean =>
    "key" in change && change.key.partition.startsWith("DOCUMENTS|");

  /** What is switched off, and what the checks have to say then. */
  const sabotages: Record<string, readonly [RegExp, Sabotage]> = {
    "documents do not know what they hold": [
      /mixed@\d+: \w+ is .* and claims/,
      { guards: { holds: () => false }, projections: ["mixed"] },
    ],
    "documents do not tell of parked streams": [
      /mixed@\d+: \w+ is .* and claims/,
      {
        guards: { after: (before, next) => ({ ...documentAfter(before, next), streams: new Map() }) },
        projections: ["mixed"],
      },
    ],
    "documents are put whatever is there": [
      /single@\d+: .* is .* and claims|does not have/,
      {
        alter: (change) => (isDocument(change) ? { ...change, where: {} } : change),
        projections: ["single"],
      },
    ],
    "transactions are not fenced": [
      /ledger@.* (was done twice|went back)/,
      { guards: { fences: false }, projections: ["ledger"] },
    ],
    "events behind a parked one are not parked": [
      /mails@.* was done behind/,
      { guards: { parksBehind: false }, projections: ["mails"] },
    ],
    "a position moves before what is done": [
      /mails@.* is neither done nor parked/,
      { guards: { movesLast: false }, projections: ["mails"] },
    ],
    "waits end at once": [
      /does not have|is neither done nor parked/,
      { waitsEarly: true, projections: ["mixed"] },
    ],
    "counts are added on the condition of a position": [
      /k\d: some were counted twice/,
      { projections: ["naive"] },
    ],
  };
  for (const [name, [problem, sabotage]] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      let found = "nothing was found";
      for (let seed = 1; seed <= SABOTAGED && !problem.test(found); seed++) {
        const { problems } = await runProjectionHistory(seed, sabotage);
        found = problems.find((each) => problem.test(each)) ?? found;
      }
      expect(found).toMatch(problem);
    });
  }
});
