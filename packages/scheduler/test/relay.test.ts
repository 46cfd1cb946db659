import { describe, expect, it } from "vitest";
import { delayUntil, nextHop, wakingTimes } from "../src/relay/next-hop.ts";
import { CALM, type RelayFaults, type RelayGuards, runRelay, STORMY } from "./relay-model.ts";

const HISTORIES = Number(process.env["HISTORIES"] ?? 24);

describe("a wake-up on its way", () => {
  it("is delayed, held and waited for in whole seconds, never beyond its time", () => {
    expect([0, 999, 1_000, 899_999, 900_000, 5_000_000].map((at) => delayUntil(at, 0))).toEqual([
      0, 0, 1, 899, 900, 900,
    ]);
    expect(delayUntil(0, 5_000)).toBe(0);
    expect(nextHop(1_000, 1_000, 1)).toEqual({ kind: "due" });
    expect(nextHop(1_000, 9_000, 1)).toEqual({ kind: "due" });
    expect(nextHop(1_500, 1, 1)).toEqual({ kind: "wait", ms: 1_499 });
    expect(nextHop(2_000, 0, 9)).toEqual({ kind: "wait", ms: 2_000 });
    expect(nextHop(2_001, 0, 1)).toEqual({ kind: "hold", seconds: 2 });
    expect(nextHop(7_200_999, 0, 3)).toEqual({ kind: "hold", seconds: 7_200 });
    // Held too often, or for too long: another one takes its place.
    expect(nextHop(7_200_999, 0, 4)).toEqual({ kind: "send", delaySeconds: 900 });
    expect(nextHop(50_000_000, 0, 1)).toEqual({ kind: "send", delaySeconds: 900 });
    expect(nextHop(3_000, 0, 4)).toEqual({ kind: "send", delaySeconds: 3 });
  });

  it("is one for all that fires in a second", () => {
    expect(wakingTimes([1_000, 1_001, 1_999, 2_000, 500])).toEqual([1_000, 2_000]);
  });
});

describe("schedules that a relay and doorbells fire", () => {
  it("fire to the second while all goes well, and never early", { timeout: 600_000 }, async () => {
    const late: number[] = [];
    let held = 0;
    for (let seed = 1; seed <= HISTORIES / 2; seed++) {
      const report = await runRelay(seed, CALM);
      expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] });
      late.push(...report.lateMs);
      held += report.held;
    }
    // A second as all that fires in one is woken up for at its end, clocks that differ by two at most, the queue, and requests.
    expect(Math.max(...late)).toBeLessThan(1_000 + 2 * 2_000 + 2 * 500 + 1_500);
    expect(held).toBeGreaterThan(0);
  });

  it("are never lost, never early, and fired once whatever happens", { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const { problems } = await runRelay(seed, STORMY);
      expect({ seed, problems }).toEqual({ seed, problems: [] });
    }
  });

  it.each<[string, RelayGuards, RelayFaults, string]>([
    ["no doorbell rang at the end", { ringsAgain: false }, STORMY, "a schedule was lost"],
    ["claims had no condition", { claimsOnCondition: false }, STORMY, "two made the same attempt"],
    ["messages were believed", { readsClock: false }, CALM, "it fired early"],
  ])("would not be if %s", async (_, guards, faults, problem) => {
    const problems: string[] = [];
    for (let seed = 1; seed <= 10 * HISTORIES && !problems.includes(problem); seed++) {
      problems.push(...(await runRelay(seed, faults, guards)).problems);
    }
    expect(problems).toContain(problem);
  });
});
