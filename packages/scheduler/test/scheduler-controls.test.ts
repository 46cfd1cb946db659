import { describe, expect, it } from "vitest";
import type { SchedulerGuards } from "../src/guards.ts";
import { type Drive, runHistory } from "./scheduler-model.ts";
import type { Profile } from "./scheduler-profiles.ts";

/** That histories find it when a guard is missing. Each needs a moment that is rare: a bias of the histories brings it up. */

const MINUTE = 60_000;

/** Among so many histories each missing guard is found; as a rule among the first few. */
const SEEDS = 40;

interface Control {
  /** What goes wrong without the guard. */
  readonly kind: RegExp;
  readonly drive: Drive;
  readonly bias: Partial<Profile>;
}

/** Nothing happens but what is said. */
const CALM = {
  clients: 2,
  meddling: 0,
  losesBells: false,
  hasLongSteps: false,
  series: 0,
  schedules: 1,
  ttlDelayMs: 5_000,
} as const;
/** Minutes that are over to who fires, and not to who schedules. */
const APART = { clock: "slow", drainClock: "fast", fromMs: -3.5 * MINUTE, toMs: -2 * MINUTE } as const;
/** Series that all have the same times. */
const SERIES = { ...CALM, series: 1, maxInterval: 2, stepMs: 2 * MINUTE } as const;
/** What is due at once. */
const AT_ONCE = { stepMs: 20_000, fromMs: -MINUTE, toMs: 0 } as const;

const CONTROLS: Readonly<Record<keyof SchedulerGuards, Control>> = {
  looksBack: { kind: /was lost/, drive: "bells", bias: { ...CALM, ...APART, steps: 20, stepMs: MINUTE / 2 } },
  putsSecondBell: { kind: /was lost/, drive: "bells", bias: { ...CALM, ...APART, steps: 6, stepMs: MINUTE } },
  queriesOnceMore: {
    kind: /was lost/,
    drive: "bells",
    bias: { ...CALM, ...APART, steps: 10, delays: { closing: 10_000 }, meets: true, ttlDelayMs: MINUTE },
  },
  claimsOnCondition: {
    kind: /was claimed while it was fired/,
    drive: "bells",
    bias: { ...CALM, ...AT_ONCE, steps: 20, delays: { claimed: 10_000 } },
  },
  cancelsOnCondition: {
    kind: /was cancelled after it was fired/,
    drive: "worker",
    bias: { ...CALM, ...AT_ONCE, steps: 40, schedules: 0.5, cancels: 0.5, delays: { cancelled: 20_000 } },
  },
  trustsBell: {
    kind: /was lost/,
    drive: "bells",
    bias: { ...CALM, drainClock: "slow", clock: "any", steps: 4, fromMs: 0, toMs: MINUTE },
  },
  handsOver: {
    kind: /died/,
    drive: "worker",
    bias: { ...SERIES, steps: 20, schedules: 0.4, allow: 0, misfire: "fireAll", workers: 0.1, deaths: 0.3 },
  },
  goesForward: {
    kind: /was fired twice/,
    drive: "bells",
    bias: { ...SERIES, steps: 30, clock: "any", schedules: 0.1, cancels: 0, moves: 0.3 },
  },
  cancelsRuns: {
    kind: /fired after it was cancelled/,
    drive: "worker",
    bias: { ...SERIES, steps: 30, allow: 1, failures: 0.6, schedules: 0.4, cancels: 0.6 },
  },
};

describe("histories find what is wrong", () => {
  it.each(Object.entries(CONTROLS))("without %s", { timeout: 600_000 }, async (guard, control) => {
    const { kind, drive, bias } = control;
    let found: string | undefined;
    let seed = 0;
    while (found === undefined && seed < SEEDS) {
      seed++;
      const { problems } = await runHistory(seed, drive, { guards: { [guard]: false }, bias });
      found = problems.find((problem) => kind.test(problem));
    }
    expect(found).toMatch(kind);
    // The same history goes well with it.
    expect((await runHistory(seed, drive, { bias })).problems).toEqual([]);
  });
});
