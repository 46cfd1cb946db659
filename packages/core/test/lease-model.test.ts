import { describe, expect, it } from "vitest";
import type { ControlUpdate } from "../src/control/control-storage.ts";
import { runLeaseHistory, type Sabotage } from "./lease-model.ts";

const SEEDS = 60;

/** All problems of many histories. */
async function problemsOf(): Promise<string[]> {
  const problems: string[] = [];
  let claims = 0;
  let commits = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const history = await runLeaseHistory(seed);
    problems.push(...history.problems);
    claims += history.claims;
    commits += history.commits;
  }
  // A model in which nothing happens proves nothing.
  expect(Math.min(claims, commits)).toBeGreaterThan(SEEDS * 8);
  return problems;
}

/** The first problem of this kind that is found. */
async function firstProblem(kind: RegExp, sabotage: Sabotage): Promise<string> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { problems } = await runLeaseHistory(seed, sabotage);
    const found = problems.find((problem) => kind.test(problem));
    if (found !== undefined) return found;
  }
  return "nothing was found";
}

const isClaim = ({ set }: ControlUpdate): boolean => set["epoch"] !== undefined;
const isBeat = (update: ControlUpdate): boolean => !isClaim(update) && update.set["beat"] !== undefined;

const isFence = ({ set }: ControlUpdate): boolean =>
  set["position"] !== undefined && set["beat"] === undefined;
const isRelease = ({ set }: ControlUpdate): boolean => "owner" in set && set["owner"] === undefined;
const isRequest = ({ set }: ControlUpdate): boolean => "wanted" in set && !("owner" in set);

/** Sends the writes of a kind without some of their conditions. */
function without(kind: (update: ControlUpdate) => boolean, ...names: readonly string[]): Sabotage {
  return {
    alter: (update) => {
      const where = Object.entries(update.where).filter(([name]) => !names.includes(name));
      return kind(update) ? { ...update, where: Object.fromEntries(where) } : update;
    },
  };
}

describe("the model of leases", () => {
  it(`finds no write of a former owner, no lost position, no resource without its owner in ${SEEDS} histories`, {
    timeout: 300_000,
  }, async () => {
    expect(await problemsOf()).toEqual([]);
  });

  /** What is switched off, and what the checks have to say then. */
  const sabotages: Record<string, readonly [RegExp, Sabotage]> = {
    "commits do not expect the epoch": [
      /is not its owner, and wrote/,
      without(isBeat, "epoch", "owner", "beat", "position"),
    ],
    "commits do not expect the last beat": [
      /moved the position from elsewhere/,
      without(isBeat, "beat", "position"),
    ],
    "claims do not expect what was seen": [
      /claimed it with an epoch that was there/,
      without(isClaim, "owner", "epoch", "beat", "position"),
    ],
    "transactions do not expect the epoch": [
      /moved the position with another epoch/,
      without(isFence, "epoch", "owner", "position"),
    ],
    "releases do not expect the owner": [/is not its owner, and wrote/, without(isRelease, "owner", "epoch")],
    "a lease is claimed as soon as it is seen": [
      /claimed it after/,
      { guards: () => ({ overdueMs: () => 0 }) },
    ],
    "wall clocks are compared": [
      /claimed it after/,
      {
        guards: (process, writtenAt) => ({
          overdueMs: (stored) => process.runtime.now() - writtenAt(stored) - stored.durationMs,
        }),
      },
    ],
    "a lease that is over is left alone": [
      /has no owner/,
      { guards: () => ({ overdueMs: () => Number.NEGATIVE_INFINITY }) },
    ],
    "owners do not hear that they are asked": [
      /is not owned by whom it is to be/,
      { alter: (update) => (isRequest(update) ? { ...update, set: {} } : update) },
    ],
    "an owner does not look at its clock": [/is believed in/, { guards: () => ({ watchesClock: false }) }],
  };
  for (const [name, [problem, sabotage]] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      expect(await firstProblem(problem, sabotage)).toMatch(problem);
    });
  }
});
