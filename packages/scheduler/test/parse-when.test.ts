import { describe, expect, it } from "vitest";
import { firstOccurrence } from "../src/recurrence/next-occurrence.ts";
import { parseWhen } from "../src/recurrence/parse-when.ts";
import { isSameSpec } from "../src/recurrence/same-spec.ts";
import type { ScheduleSpec, When } from "../src/recurrence/schedule-spec.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const AMSTERDAM = "Europe/Amsterdam";

/** The first time that it fires. */
function first(when: When, nowMs: number = NOW): string | undefined {
  const due = firstOccurrence(parseWhen(when, nowMs), nowMs);
  return due === undefined ? undefined : new Date(due).toISOString();
}

/** In which field it was found, and whether its message says so. */
function refusal(when: When): unknown {
  try {
    return parseWhen(when, NOW);
  } catch (error) {
    const { code, field, message } = error as { code: string; field: string; message: string };
    return { code, field, isNamed: message.startsWith(field) };
  }
}

describe("what is asked for", () => {
  it("is a moment", () => {
    expect(first({ at: new Date("2030-01-02T03:04:05.678Z") })).toBe("2030-01-02T03:04:05.678Z");
    expect(first({ at: NOW + 1 })).toBe("2026-03-01T12:00:00.001Z");
    expect(first({ at: "2026-05-01T00:00:00+02:00" })).toBe("2026-04-30T22:00:00.000Z");
    expect(first({ at: "2026-05-01T00:00:00.5Z", timeZone: AMSTERDAM })).toBe("2026-05-01T00:00:00.500Z");
    // Long past: it fires at once.
    expect(first({ at: "1999-12-31T00:00Z" })).toBe("1999-12-31T00:00:00.000Z");
  });

  it("is a time of the wall clock somewhere", () => {
    const at = "2026-10-25T02:30";
    expect(first({ at: "2026-07-01", timeZone: AMSTERDAM })).toBe("2026-06-30T22:00:00.000Z");
    expect(first({ at, timeZone: AMSTERDAM })).toBe("2026-10-25T00:30:00.000Z");
    expect(first({ at, timeZone: AMSTERDAM, dst: { overlap: "last" } })).toBe("2026-10-25T01:30:00.000Z");
    expect(first({ at: "2026-03-29T02:30", timeZone: AMSTERDAM })).toBe("2026-03-29T01:30:00.000Z");
    // A day that Samoa left out.
    expect(first({ at: "2011-12-30T09:00", timeZone: "Pacific/Apia" })).toBe("2011-12-30T19:00:00.000Z");
  });

  it("is a time from now", () => {
    expect(first({ in: 0 })).toBe("2026-03-01T12:00:00.000Z");
    expect(first({ in: 1_500 })).toBe("2026-03-01T12:00:01.500Z");
    expect(first({ in: "90s" })).toBe("2026-03-01T12:01:30.000Z");
    expect(first({ in: "30d" })).toBe("2026-03-31T12:00:00.000Z");
    expect(first({ in: "2 w" })).toBe("2026-03-15T12:00:00.000Z");
  });

  it("is a pattern", () => {
    expect(first({ cron: "0 9 * * MON-FRI", timeZone: AMSTERDAM })).toBe("2026-03-02T08:00:00.000Z");
    expect(first({ cron: "0 9 * * *" })).toBe("2026-03-02T09:00:00.000Z");
    expect(first({ cron: "@monthly" })).toBe("2026-04-01T00:00:00.000Z");
    expect(first({ cron: "30 0 12 1 3 * 2027" })).toBe("2027-03-01T12:00:30.000Z");
  });

  it("says what becomes of times that the clocks show twice", () => {
    const dst = (cron: string): unknown => Object(parseWhen({ cron }, NOW)).dst;
    expect(dst("30 2 * * *")).toEqual({ gap: "shift", overlap: "first" });
    expect(dst("30 2,14 * * *")).toEqual({ gap: "shift", overlap: "first" });
    expect(dst("*/5 * * * *")).toEqual({ gap: "shift", overlap: "both" });
    expect(dst("0 0 */2 * * *")).toEqual({ gap: "shift", overlap: "both" });
    expect(dst("@hourly")).toEqual({ gap: "shift", overlap: "both" });
  });

  it("is an interval, from now or from an anchor", () => {
    expect(first({ every: "15m" })).toBe("2026-03-01T12:15:00.000Z");
    expect(first({ every: 60_000, startingAt: "2026-03-01T11:59:40Z" })).toBe("2026-03-01T12:00:40.000Z");
    expect(first({ every: "1d", startingAt: "2026-03-29T09:00", timeZone: AMSTERDAM })).toBe(
      "2026-03-29T07:00:00.000Z",
    );
  });
});

describe("what makes no sense is refused", () => {
  it.each<[string, When]>([
    ["when", {}],
    ["when", { at: NOW, in: 5 }],
    ["at", { at: "tomorrow" }],
    ["at", { at: new Date("no") }],
    ["at", { at: -1 }],
    ["at", { at: "10000-01-01T00:00Z" }],
    ["at", { at: "2026-02-30T00:00Z" }],
    ["at", { at: "2026-02-28T24:00Z" }],
    ["at", { at: "2026-02-28T12:00" }],
    ["at", { at: "2026-03-29T02:30", timeZone: AMSTERDAM, dst: { gap: "skip" } }],
    ["in", { in: -1 }],
    ["in", { in: "soon" }],
    ["in", { in: "1.5h" }],
    ["in", { in: Number.MAX_SAFE_INTEGER }],
    ["every", { every: 999 }],
    ["every", { every: "" }],
    ["cron", { cron: "" }],
    ["cron", { cron: "* * *" }],
    ["cron", { cron: "61 * * * *" }],
    ["cron", { cron: "2026-05-01T00:00:00" }],
    ["cron", { cron: "0 0 30 2 *" }],
    ["cron", { cron: "0 0 0 1 1 * 2020" }],
    ["timeZone", { cron: "30 2 29 3 *", timeZone: "Atlantis/Capital" }],
    ["dst.gap", { cron: "0 0 * * *", dst: { gap: "jump" as "skip" } }],
    ["dst.overlap", { cron: "0 0 * * *", dst: { overlap: "all" as "both" } }],
  ])("%s: %j", (field, when) => {
    expect(refusal(when)).toEqual({ code: "invalidSchedule", field, isNamed: true });
  });
});

describe("the same schedule", () => {
  const same = (one: When, other: When): boolean =>
    isSameSpec(
      parseWhen(one, NOW),
      JSON.parse(JSON.stringify(parseWhen(other, NOW + 5_000))) as ScheduleSpec,
    );

  it("is what is asked for in the same words later", () => {
    expect(same({ in: "1h" }, { in: 3_600_000 })).toBe(true);
    expect(same({ every: "1h" }, { every: "60m" })).toBe(true);
    expect(same({ every: "1h", startingAt: NOW }, { every: "1h", startingAt: new Date(NOW) })).toBe(true);
    expect(same({ at: "2026-05-01T00:00Z" }, { at: Date.UTC(2026, 4) })).toBe(true);
    expect(same({ cron: "0 0 * * *" }, { cron: "0 0 * * *", timeZone: "UTC" })).toBe(true);
  });

  it("is not what differs", () => {
    expect(same({ in: "1h" }, { in: "2h" })).toBe(false);
    expect(same({ in: "1h" }, { at: NOW + 3_600_000 })).toBe(false);
    expect(same({ at: NOW }, { at: NOW + 1 })).toBe(false);
    expect(same({ every: "1h" }, { every: "2h" })).toBe(false);
    expect(same({ every: "1h" }, { every: "1h", startingAt: NOW })).toBe(false);
    expect(same({ every: "1h", startingAt: NOW }, { every: "1h", startingAt: NOW + 1 })).toBe(false);
    expect(same({ every: "1d" }, { cron: "0 0 * * *" })).toBe(false);
    expect(same({ cron: "0 0 * * *" }, { cron: "0 1 * * *" })).toBe(false);
    expect(same({ cron: "0 0 * * *" }, { cron: "0 0 * * *", timeZone: AMSTERDAM })).toBe(false);
    expect(same({ cron: "0 0 * * *" }, { cron: "0 0 * * *", dst: { gap: "skip" } })).toBe(false);
  });
});
