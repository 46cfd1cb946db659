import type { ControlChange } from "@tuppence/core/leases";
import { describe, expect, it } from "vitest";
import { runGroupHistory, type Sabotage } from "./group-model.ts";

/** Others with `SEED=…`; problems name theirs. */
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const HISTORIES = Number(process.env["HISTORIES"] ?? 40);

/** Of histories with something switched off, until the problem is found. */
const SABOTAGED = 100;

describe("the model of consumer groups", () => {
  it(`finds nothing lost, nothing twice that is once, nothing out of order in ${HISTORIES} histories`, {
    timeout: 600_000,
  }, async () => {
    const problems: string[] = [];
    const sums = { handled: 0, again: 0, parked: 0, redriven: 0, resets: 0, laneChanges: 0, takeovers: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
      const history = await runGroupHistory(seed);
      problems.push(...history.problems);
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += history.counts[name];
    }
    expect(problems).toEqual([]);
    // A model in which nothing happens proves nothing; a single history may be a calm one.
    expect(Math.min(...Object.values(sums))).toBeGreaterThanOrEqual(Math.floor(HISTORIES / 10));
  });

  const isMove = (change: ControlChange): boolean =>
    "key" in change && change.key.partition.startsWith("LEASE|") && change.set["position"] !== undefined;

  /** What is switched off, and what the checks have to say then. */
  const sabotages: Record<string, readonly [RegExp, Sabotage]> = {
    "transactions are not fenced": [
      /was done twice|went back/,
      { guards: { fences: false }, kind: "transaction", policy: "block" },
    ],
    "a cursor moves whoever has the lease": [
      /went back|was parked when it was done/,
      { alter: (change) => (isMove(change) ? { ...change, where: {} } : change) },
    ],
    "messages behind a parked one of their key are handled": [
      /was done before/,
      { guards: { parksBehind: false }, policy: "parkKey" },
    ],
    "a cursor moves before what is done": [
      /is neither done nor parked/,
      { guards: { movesLast: false }, policy: "block" },
    ],
    "lanes begin before those before them are sealed": [
      /was done twice/,
      { guards: { waitsForSeals: false }, kind: "transaction", policy: "block", changesLanes: true },
    ],
  };
  for (const [name, [problem, sabotage]] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      let found = "nothing was found";
      for (let seed = 1; seed <= SABOTAGED && !problem.test(found); seed++) {
        const { problems } = await runGroupHistory(seed, sabotage);
        found = problems.find((each) => problem.test(each)) ?? found;
      }
      expect(found).toMatch(problem);
    });
  }
});
