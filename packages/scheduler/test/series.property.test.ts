import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jitterOf } from "../src/recurrence/jitter.ts";
import { latestOccurrences } from "../src/recurrence/latest-occurrences.ts";
import { nextOccurrence } from "../src/recurrence/next-occurrence.ts";
import { parseWhen } from "../src/recurrence/parse-when.ts";
import type { DstPolicy, ScheduleSpec } from "../src/recurrence/schedule-spec.ts";
import { type Successor, startOfRun, successorOf } from "../src/recurrence/series.ts";
import { checkMisfire, type Misfire, type RunOverlap } from "../src/recurrence/series-policy.ts";

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 0, 1);

const time = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2034, 0, 1) });
const timeZone = fc.constantFrom(
  "UTC",
  "Europe/Amsterdam",
  "America/Santiago",
  "Africa/Cairo",
  "Australia/Lord_Howe",
  "Africa/Casablanca",
  "Asia/Kathmandu",
);
const cron = fc.constantFrom(
  "* * * * *",
  "*/15 * * * *",
  "30 2 * * *",
  "0 0 31 * *",
  "0 12 29 2 *",
  "15 1,2,3 L * *",
  "0 0 * * 5#L",
  "*/20 * 2 * * SUN",
);
const dst: fc.Arbitrary<DstPolicy> = fc.record({
  gap: fc.constantFrom("shift", "skip"),
  overlap: fc.constantFrom("first", "last", "both"),
});
const spec: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  fc.record({ kind: fc.constant("cron"), cron, timeZone, dst }),
  fc.record({
    kind: fc.constant("every"),
    everyMs: fc.integer({ min: 1_000, max: 40 * 86_400_000 }),
    anchorMs: time,
    isAnchored: fc.boolean(),
  }),
);

/** All occurrences in a time, one after the other. */
function occurrences(of: ScheduleSpec, fromMs: number, toMs: number): readonly number[] {
  const found: number[] = [];
  let next = nextOccurrence(of, fromMs - 1);
  while (next !== undefined && next <= toMs) {
    found.push(next);
    next = nextOccurrence(of, next);
  }
  return found;
}

describe("the occurrences of a schedule", () => {
  it("go up, and are the same from wherever one asks: a series never forks", () => {
    fc.assert(
      fc.property(spec, time, fc.double({ min: 0, max: 1, noNaN: true }), (any, after, share) => {
        const next = nextOccurrence(any, after);
        if (next === undefined) throw new Error("It ends.");
        expect(next).toBeGreaterThan(after);
        expect(nextOccurrence(any, after + Math.floor(share * (next - 1 - after)))).toBe(next);
        expect(nextOccurrence(any, next - 1)).toBe(next);
        expect(nextOccurrence(any, next)).toBeGreaterThan(next);
      }),
      { numRuns: 2_000 },
    );
  });

  it("can be had from the end, few of many", () => {
    const few = fc.integer({ min: 1, max: 20 });
    const manyMinutes = fc.integer({ min: 0, max: 2_000 });
    fc.assert(
      fc.property(spec, time, manyMinutes, few, (any, fromMs, minutes, max) => {
        const beforeMs = fromMs + minutes * MINUTE + 1;
        const all = occurrences(any, fromMs, beforeMs - 1);
        expect(latestOccurrences(any, { fromMs, beforeMs, max })).toEqual(all.slice(-max));
      }),
      { numRuns: 300 },
    );
  });

  it("end with the year 9999, and a single one is once", () => {
    const every = parseWhen({ every: "2w" }, NOW);
    expect(nextOccurrence(every, Date.UTC(9999, 11, 31))).toBeUndefined();
    expect(nextOccurrence({ kind: "at", dueMs: 5 }, 4)).toBe(5);
    expect(nextOccurrence({ kind: "at", dueMs: 5 }, 5)).toBeUndefined();
    const years = parseWhen(
      { cron: "30 30 2 25 10 * 2026", timeZone: "Europe/Amsterdam", dst: { overlap: "both" } },
      NOW,
    );
    expect(occurrences(years, NOW, NOW * 2).map((ms) => new Date(ms).toISOString())).toEqual([
      "2026-10-25T00:30:30.000Z",
      "2026-10-25T01:30:30.000Z",
    ]);
  });
});

describe("jitter", () => {
  it("is within its bounds, the same for one occurrence and spread over many", () => {
    const jitters = Array.from({ length: 1_000 }, (_, index) => jitterOf(`series@${index}`, 99));
    expect(Math.min(...jitters)).toBe(0);
    expect(Math.max(...jitters)).toBe(99);
    expect(new Set(jitters).size).toBe(100);
    expect(jitters).toEqual(Array.from({ length: 1_000 }, (_, index) => jitterOf(`series@${index}`, 99)));
    expect(jitterOf("series@1", 0)).toBe(0);
  });
});

interface Fired {
  readonly due: number;
  readonly at: number;
}

interface Plan {
  readonly spec: ScheduleSpec;
  readonly misfire: Misfire;
  readonly overlap: RunOverlap;
  /** When nobody is there to fire, in minutes after `NOW`. */
  readonly outage: readonly [number, number];
  readonly runMinutes: number;
  readonly untilMinutes: number;
}

/** Runs a series as a scheduler does, one entry after the other, and answers what fired when. */
function play({ spec: of, misfire, overlap, outage, runMinutes, untilMinutes }: Plan): readonly Fired[] {
  const [downFrom, downTo] = outage.map((minute) => NOW + minute * MINUTE) as [number, number];
  const fired: Fired[] = [];
  const first = nextOccurrence(of, NOW);
  let entry: Successor | undefined = first === undefined ? undefined : { dueMs: first };
  let freeAt = NOW;
  while (entry !== undefined && entry.dueMs <= NOW + untilMinutes * MINUTE) {
    const ready = Math.max(entry.dueMs, overlap === "allow" ? NOW : freeAt);
    const startedAtMs = ready >= downFrom && ready < downTo ? downTo : ready;
    const run = { spec: of, misfire, startedAtMs, ...entry };
    const { fires } = startOfRun(run);
    const finishedAtMs = fires ? startedAtMs + runMinutes * MINUTE : startedAtMs;
    if (fires) fired.push({ due: entry.dueMs, at: startedAtMs });
    freeAt = finishedAtMs;
    entry = successorOf({ ...run, overlap, finishedAtMs });
  }
  return fired;
}

const inMinutes = (fired: readonly Fired[]): readonly (readonly [number, number])[] =>
  fired.map(({ due, at }) => [(due - NOW) / MINUTE, (at - NOW) / MINUTE]);

describe("a series whose worker was away from minute 25 to 75", () => {
  const tenMinutes = parseWhen({ every: "10m" }, NOW);
  const away = {
    spec: tenMinutes,
    overlap: "skip",
    outage: [25, 75],
    runMinutes: 0,
    untilMinutes: 90,
  } as const;
  const grace = { graceMs: MINUTE };

  it("fires all that it missed", () => {
    expect(inMinutes(play({ ...away, misfire: { policy: "fireAll", ...grace } }))).toEqual([
      [10, 10],
      [20, 20],
      [30, 75],
      [40, 75],
      [50, 75],
      [60, 75],
      [70, 75],
      [80, 80],
      [90, 90],
    ]);
  });

  it("fires the latest that it missed", () => {
    expect(inMinutes(play({ ...away, misfire: { policy: "fireAll", max: 2, ...grace } }))).toEqual([
      [10, 10],
      [20, 20],
      [60, 75],
      [70, 75],
      [80, 80],
      [90, 90],
    ]);
    expect(inMinutes(play({ ...away, misfire: { policy: "fireAll", max: 5, ...grace } })).length).toBe(9);
  });

  it("fires once for all", () => {
    expect(inMinutes(play({ ...away, misfire: { policy: "fireOnce", ...grace } }))).toEqual([
      [10, 10],
      [20, 20],
      [30, 75],
      [80, 80],
      [90, 90],
    ]);
  });

  it("fires none of them", () => {
    expect(inMinutes(play({ ...away, misfire: { policy: "skip", ...grace } }))).toEqual([
      [10, 10],
      [20, 20],
      [80, 80],
      [90, 90],
    ]);
  });

  it("does not count as missed what is within the grace", () => {
    expect(inMinutes(play({ ...away, misfire: { policy: "skip", graceMs: 20 * MINUTE } }))).toEqual([
      [10, 10],
      [20, 20],
      [60, 75],
      [70, 75],
      [80, 80],
      [90, 90],
    ]);
  });
});

describe("a series whose runs take 25 minutes, each 10", () => {
  const plan = {
    spec: parseWhen({ every: "10m" }, NOW),
    misfire: { policy: "fireOnce", graceMs: MINUTE },
    outage: [0, 0],
    runMinutes: 25,
    untilMinutes: 60,
  } as const;

  it("leaves out what comes during a run", () => {
    expect(inMinutes(play({ ...plan, overlap: "skip" }))).toEqual([
      [10, 10],
      [40, 40],
    ]);
  });

  it("makes up for one of them", () => {
    expect(inMinutes(play({ ...plan, overlap: "bufferOne" }))).toEqual([
      [10, 10],
      [20, 35],
      [40, 60],
    ]);
  });

  it("runs all beside each other", () => {
    expect(inMinutes(play({ ...plan, overlap: "allow" }))).toEqual([
      [10, 10],
      [20, 20],
      [30, 30],
      [40, 40],
      [50, 50],
      [60, 60],
    ]);
  });
});

describe("a series, whatever happens to it", () => {
  const plan: fc.Arbitrary<Plan> = fc
    .record({
      spec: fc.oneof(
        fc.record({
          kind: fc.constant("cron"),
          cron: fc.constantFrom("*/15 * * * *", "*/7 * * * *", "0 3 * * *"),
          timeZone,
          dst,
        }),
        fc.integer({ min: 1, max: 90 }).map((minutes) => parseWhen({ every: minutes * MINUTE }, NOW)),
      ),
      policy: fc.constantFrom("fireAll", "fireOnce", "skip"),
      max: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      graceMs: fc.integer({ min: 0, max: 30 * MINUTE }),
      overlap: fc.constantFrom("skip", "allow", "bufferOne"),
      down: fc.nat(500),
      downFor: fc.nat(2_000),
      runMinutes: fc.nat(60),
    })
    .map(({ policy, max, graceMs, down, downFor, ...others }) => ({
      ...others,
      misfire: policy === "fireAll" ? { policy, max, graceMs } : { policy, graceMs },
      outage: [down, down + downFor] as const,
      untilMinutes: 3_000,
    }));

  it("fires each occurrence once at most, in order, never early and none that is not of it", () => {
    fc.assert(
      fc.property(plan, (any) => {
        const fired = play(any);
        const real = new Set(occurrences(any.spec, NOW + 1, NOW + any.untilMinutes * MINUTE));
        const wrong = fired.filter(
          ({ due, at }, index) => !real.has(due) || at < due || due <= (fired[index - 1]?.due ?? 0),
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("fires each when somebody is there, and runs take no time", () => {
    fc.assert(
      fc.property(plan, (any) => {
        const fired = play({ ...any, outage: [0, 0], runMinutes: 0 });
        expect(fired.length).toBe(occurrences(any.spec, NOW + 1, NOW + any.untilMinutes * MINUTE).length);
      }),
      { numRuns: 30 },
    );
  });

  it("fires all when it is told so", () => {
    fc.assert(
      fc.property(plan, (any) => {
        const fired = play({ ...any, misfire: { policy: "fireAll", graceMs: 0 }, overlap: "allow" });
        expect(fired.map(({ due }) => due)).toEqual(
          occurrences(any.spec, NOW + 1, NOW + any.untilMinutes * MINUTE),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe("a policy", () => {
  it("is completed", () => {
    expect(checkMisfire()).toEqual({ policy: "fireOnce", graceMs: MINUTE });
    expect(checkMisfire("skip")).toEqual({ policy: "skip", graceMs: MINUTE });
    expect(checkMisfire({ policy: "fireAll", max: 3 })).toEqual({
      policy: "fireAll",
      max: 3,
      graceMs: MINUTE,
    });
  });

  it("that is none is refused", () => {
    expect(() => checkMisfire("never" as "skip")).toThrow(TypeError);
    expect(() => checkMisfire({ graceMs: -1 })).toThrow(RangeError);
    expect(() => checkMisfire({ policy: "fireOnce", max: 2 })).toThrow(RangeError);
    expect(() => checkMisfire({ policy: "fireAll", max: 0 })).toThrow(RangeError);
  });
});
