import { isDeepStrictEqual } from "node:util";
import { Cron } from "croner";
import { describe, expect, it } from "vitest";
import { nextOccurrence } from "../src/recurrence/next-occurrence.ts";
import type { CronSpec, DstPolicy } from "../src/recurrence/schedule-spec.ts";
import { type KnownPattern, occurrencesOf, ZoneOracle } from "./zone-oracle.ts";

const DAY_MS = 86_400_000;
const everyDay = (): boolean => true;

/** A few times a day at most: looked at on each day of ten years. */
const SPARSE: readonly KnownPattern[] = [
  { cron: "30 2 * * *", onDay: everyDay, atTime: (hour, minute) => hour === 2 && minute === 30 },
  { cron: "30 0 * * *", onDay: everyDay, atTime: (hour, minute) => hour === 0 && minute === 30 },
  { cron: "15 2 * * *", onDay: everyDay, atTime: (hour, minute) => hour === 2 && minute === 15 },
  { cron: "59 1 * * *", onDay: everyDay, atTime: (hour, minute) => hour === 1 && minute === 59 },
  {
    cron: "0 0 0 31 * *",
    onDay: ({ day }) => day === 31,
    atTime: (hour, minute) => hour === 0 && minute === 0,
  },
  {
    cron: "0 2 29 2 *",
    onDay: ({ month, day }) => month === 2 && day === 29,
    atTime: (hour, minute) => hour === 2 && minute === 0,
  },
  {
    cron: "30 2 L * *",
    onDay: ({ day, daysInMonth }) => day === daysInMonth,
    atTime: (hour, minute) => hour === 2 && minute === 30,
  },
  {
    cron: "10,40 2 * * SUN#L",
    onDay: ({ day, weekday, daysInMonth }) => weekday === 0 && day > daysInMonth - 7,
    atTime: (hour, minute) => hour === 2 && (minute === 10 || minute === 40),
  },
  {
    cron: "0 1 * * SUN#1",
    onDay: ({ day, weekday }) => weekday === 0 && day <= 7,
    atTime: (hour, minute) => hour === 1 && minute === 0,
  },
  {
    cron: "30 0 * * MON-FRI",
    onDay: ({ weekday }) => weekday >= 1 && weekday <= 5,
    atTime: (hour, minute) => hour === 0 && minute === 30,
  },
  {
    cron: "30 23 * 4,10 THU",
    onDay: ({ month, weekday }) => (month === 4 || month === 10) && weekday === 4,
    atTime: (hour, minute) => hour === 23 && minute === 30,
  },
  {
    cron: "0 30 2 26 10 * 2025,2031",
    onDay: ({ year, month, day }) => month === 10 && day === 26 && (year === 2025 || year === 2031),
    atTime: (hour, minute) => hour === 2 && minute === 30,
  },
];

/** Looked at from a day before each change of the clocks to a day after it. */
const DENSE: readonly KnownPattern[] = [
  { cron: "0 * * * *", onDay: everyDay, atTime: (_, minute) => minute === 0 },
  { cron: "*/15 * * * *", onDay: everyDay, atTime: (_, minute) => minute % 15 === 0 },
  {
    cron: "*/7 0-3,23 * * *",
    onDay: everyDay,
    atTime: (hour, minute) => (hour <= 3 || hour === 23) && minute % 7 === 0,
  },
  { cron: "* 2 * * *", onDay: everyDay, atTime: (hour) => hour === 2 },
];

const POLICIES: readonly DstPolicy[] = (["shift", "skip"] as const).flatMap((gap) =>
  (["first", "last", "both"] as const).map((overlap) => ({ gap, overlap })),
);

const FIRST: DstPolicy = { gap: "shift", overlap: "first" };
const LAST: DstPolicy = { gap: "skip", overlap: "last" };

function series(spec: CronSpec, fromMs: number, toMs: number): readonly number[] {
  const found: number[] = [];
  let next = nextOccurrence(spec, fromMs - 1);
  while (next !== undefined && next < toMs) {
    found.push(next);
    next = nextOccurrence(spec, next);
  }
  return found;
}

describe.each([
  { timeZone: "Europe/Amsterdam", from: 2024, changes: 20 },
  { timeZone: "America/Santiago", from: 2024, changes: 20 },
  { timeZone: "Africa/Cairo", from: 2024, changes: 20 },
  // With years of four changes, and years of none.
  { timeZone: "Africa/Cairo", from: 2006, changes: 16 },
  { timeZone: "Australia/Lord_Howe", from: 2024, changes: 20 },
])("occurrences in $timeZone over ten years from $from", ({ timeZone, from, changes }) => {
  const [fromMs, toMs] = [Date.UTC(from), Date.UTC(from + 10)];
  const oracle = new ZoneOracle(timeZone, fromMs, toMs);

  const check = (
    pattern: KnownPattern,
    within: readonly [number, number],
    policies: readonly DstPolicy[],
  ): void => {
    const walls = oracle.wallTimes(pattern, ...within);
    for (const dst of policies) {
      const spec = { kind: "cron", cron: pattern.cron, timeZone, dst } as const;
      // The pattern and the policy are in what is compared, so that a difference says whose it is.
      expect({ spec, fires: series(spec, ...within) }).toEqual({
        spec,
        fires: occurrencesOf(walls, dst, within),
      });
    }
  };

  it("are where a clock on the wall shows them", () => {
    expect(oracle.changes.length).toBe(changes);
    for (const pattern of SPARSE) check(pattern, [fromMs, toMs], [FIRST, LAST]);
  });

  it("are so around each change of the clocks, by each policy, and if they come all day", () => {
    for (const pattern of [...DENSE, ...SPARSE]) {
      for (const { atMs } of oracle.changes) check(pattern, [atMs - DAY_MS, atMs + DAY_MS], POLICIES);
    }
  });
});

describe("croner's own rules", () => {
  it("depend on how a pattern is written, which the oracle shows: it is asked in UTC only", () => {
    const timeZone = "Europe/Amsterdam";
    const [fromMs, toMs] = [Date.UTC(2026, 0), Date.UTC(2027, 0)];
    const oracle = new ZoneOracle(timeZone, fromMs, toMs);
    const patterns = [
      { cron: "30 2 * * *", onDay: everyDay, atTime: (hour, minute) => hour === 2 && minute === 30 },
      { cron: "0,30 2 * * *", onDay: everyDay, atTime: (hour, minute) => hour === 2 && minute % 30 === 0 },
    ] satisfies KnownPattern[];
    const followed = patterns.map((pattern) => {
      const runs = new Cron(pattern.cron, { timezone: timeZone }).nextRuns(800, new Date(fromMs - 1));
      const own = runs.map((run) => run.getTime()).filter((run) => run < toMs);
      const walls = oracle.wallTimes(pattern, fromMs, toMs);
      return POLICIES.filter((dst) => isDeepStrictEqual(own, occurrencesOf(walls, dst, [fromMs, toMs])));
    });
    // The one is shifted to the end of the gap, and fires once; the other is skipped, and fires twice.
    expect(followed).toEqual([[], [{ gap: "skip", overlap: "both" }]]);
  });
});
