import { describe, expect, it } from "vitest";
import type { ControlUpdate } from "../src/control/control-storage.ts";
import { runLeaseHistory, type Sabotage } from "./lease-model.ts";

const SEEDS = Number(process.env["LEASE_SEEDS"] ?? 120);

/** The problems of many histories; stops at the first history that has some, if that is enough. */
async function problemsOf(sabotage?: Sabotage): Promise<string[]> {
  const problems: string[] = [];
  let claims = 0;
  let commits = 0;
  for (let seed = 1; seed <= SEEDS && !(sabotage && problems.length > 0); seed++) {
    const history = await runLeaseHistory(seed, sabotage);
    problems.push(...history.problems);
    claims += history.claims;
    commits += history.commits;
  }
  // A model in which nothing happens proves nothing.
  if (!sabotage) expect(Math.min(claims, commits)).toBeGreaterThan(SEEDS * 10);
  return problems;
}

const isClaim = ({ set }: ControlUpdate): boolean => set["epoch"] !== undefined;
const isBeat = (update: ControlUpdate): boolean => !isClaim(update) && update.set["beat"] !== undefined;

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

  const sabotages: Record<string, Sabotage> = {
    "commits do not expect the epoch": without(isBeat, "epoch", "owner", "beat", "position"),
    "commits do not expect the last beat": without(isBeat, "beat", "position"),
    "claims do not expect what was seen": without(isClaim, "owner", "epoch", "beat", "position"),
    "transactions do not expect the epoch": without(
      ({ set }) => set["position"] !== undefined && set["beat"] === undefined,
      "epoch",
      "owner",
      "position",
    ),
    "releases do not expect the owner": without(({ set }) => "owner" in set, "owner", "epoch"),
    "a lease is claimed as soon as it is seen": { guards: () => ({ overdueMs: () => 0 }) },
    "wall clocks are compared": {
      guards: (process, writtenAt) => ({
        overdueMs: (stored) => process.runtime.now() - writtenAt(stored) - stored.durationMs,
      }),
    },
    "a lease that is over is left alone": { guards: () => ({ overdueMs: () => Number.NEGATIVE_INFINITY }) },
    "owners do not hear that they are asked": {
      alter: (update) =>
        "wanted" in update.set && !("owner" in update.set) ? { ...update, set: {} } : update,
    },
    "an owner does not look at its clock": { guards: () => ({ watchesClock: false }) },
  };
  for (const [name, sabotage] of Object.entries(sabotages)) {
    it(`notices when ${name}`, { timeout: 300_000 }, async () => {
      expect(await problemsOf(sabotage)).not.toEqual([]);
    });
  }
});
