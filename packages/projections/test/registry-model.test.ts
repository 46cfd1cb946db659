import type { ControlChange, ControlUpdate } from "@tuppence/core/leases";
import { describe, expect, it } from "vitest";
import { LEASE_GROUP, REGISTRATIONS, RETIRED } from "../src/builds/names.ts";
import { runRegistryHistory, type Sabotage } from "./registry-model.ts";

const SEEDS = Number(process.env["REGISTRY_SEEDS"] ?? 1_000);

const isOf =
  (partition: string) =>
  (change: ControlChange): change is ControlUpdate =>
    "key" in change && change.key.partition === partition;
const isRegistration = isOf(REGISTRATIONS);
const isLease = isOf(`LEASE|${LEASE_GROUP}`);
const isRetired = isOf(RETIRED);

describe("the model of registrations", () => {
  it(`finds nothing wrong in ${SEEDS} histories`, { timeout: 300_000 }, async () => {
    const problems: string[] = [];
    const sums = { flips: 0, resets: 0, zombies: 0, retired: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const history = await runRegistryHistory(seed);
      problems.push(...history.problems);
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += history.counts[name];
    }
    expect(problems).toEqual([]);
    // A model in which nothing happens proves nothing.
    expect(Math.min(...Object.values(sums))).toBeGreaterThan(SEEDS / 10);
  });

  /** What is switched off, and what the checks have to say then. */
  const sabotages: Record<string, readonly [RegExp, Sabotage]> = {
    "changes do not expect the revision": [
      /revision \d+ came after|went back|came back/,
      (change) => (isRegistration(change) ? { ...change, where: {} } : change),
    ],
    "an own change is not recognised": [
      /one call made 2 changes/,
      (change) => (isRegistration(change) ? { ...change, set: { ...change.set, changes: "" } } : change),
    ],
    "a flip does not expect positions": [
      /a flip led from position/,
      (change) => (isLease(change) ? { ...change, where: { epoch: change.where["epoch"] } } : change),
    ],
    "leases stay with their owners": [
      /a former owner of .* moved its position/,
      (change) => (isLease(change) ? undefined : change),
    ],
    "builds that are given up are not noted down": [
      /is lost/,
      (change) => (isRetired(change) ? undefined : change),
    ],
  };
  for (const [name, [problem, sabotage]] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      let found = "nothing was found";
      for (let seed = 1; seed <= SEEDS && !problem.test(found); seed++) {
        const { problems } = await runRegistryHistory(seed, sabotage);
        found = problems.find((each) => problem.test(each)) ?? found;
      }
      expect(found).toMatch(problem);
    });
  }
});
