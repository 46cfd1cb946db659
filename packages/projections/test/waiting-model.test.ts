import { describe, expect, it } from "vitest";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { waitHistory, type WaitSight } from "./wait-history.ts";

const RUNS = 400;
const BLIND_RUNS = 100;
const SIGHT: WaitSight = { seesParked: true, readsStrongly: true, tellsReaders: true };

async function violationsOf(sight: WaitSight, runs: number): Promise<string[]> {
  const violations: string[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    const found = await waitHistory(seededRandom(seed), sight);
    violations.push(...found.map((violation) => `seed ${seed}: ${violation}`));
  }
  return violations;
}

describe("waits, while slots go on, park, replay and are rebuilt", () => {
  it("never end early", async () => {
    expect(await violationsOf(SIGHT, RUNS)).toEqual([]);
  });

  it.each(["seesParked", "readsStrongly", "tellsReaders"] as const)("would without %s", async (blindness) => {
    expect((await violationsOf({ ...SIGHT, [blindness]: false }, BLIND_RUNS)).length).toBeGreaterThan(0);
  });
});
