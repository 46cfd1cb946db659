import { describe, expect, it } from "vitest";
import { decodeEntry, newEntryUpdate } from "../src/entries/entry.ts";
import { entryKey, nameKey } from "../src/entries/keys.ts";
import { decodeNamed } from "../src/names/named-schedule.ts";
import { DEFAULT_MISFIRE } from "../src/recurrence/series-policy.ts";
import { DEFAULT_RETRY } from "../src/definition.ts";

/** Recorded examples of what is stored: what was written once stays readable, and where it is. New forms are added below. */

const ID = "0mm70p0nr-1-f3avnyafqorgfpbh";

describe("stored schedules", () => {
  it("are found by their ids and names", () => {
    expect(entryKey(ID)).toEqual({ partition: "DUE|1|0029538754", sort: ID });
    expect(nameKey("deadline|P-17")).toEqual({ partition: "NAME|1", sort: "deadline|P-17" });
  });

  it("are what was put, for once", () => {
    const item = { st: "pending", d: '{"target":"remind","payload":{"to":"ada"}}', u: 1_772_325_311_991 };
    const entry = decodeEntry(ID, item);
    expect(entry).toMatchObject({
      state: "pending",
      shard: 1,
      fireAtMs: 1_772_325_251_991,
      dueMs: 1_772_325_311_991,
      attempts: 0,
      token: undefined,
      generation: undefined,
    });
    expect(entry.definition).toEqual({
      spec: { kind: "at", dueMs: 1_772_325_311_991 },
      target: "remind",
      payload: '{"to":"ada"}',
      group: undefined,
      jitterMs: 0,
      retry: DEFAULT_RETRY,
      misfire: DEFAULT_MISFIRE,
      overlap: "skip",
    });
    expect(newEntryUpdate(entry).set).toEqual(item);
  });

  it("are what was put of a series, and what became of it", () => {
    const d =
      '{"spec":{"kind":"cron","cron":"0 9 * * *","timeZone":"Europe/Amsterdam","dst":{"gap":"shift","overlap":"first"}},' +
      '"target":"remind","group":"g","jitterMs":1000,"retry":{"maxAttempts":2,"baseMs":1,"maxMs":2},' +
      '"misfire":{"policy":"fireAll","graceMs":60000,"max":3},"overlap":"allow"}';
    const stored = { st: "claimed", tk: "1h2k3l4m", d, u: 1_772_325_311_000, n: "report", g: 2, a: 1, f: 1 };
    const more = { cu: 5, ra: 6, t0: 7, t1: 8, b: 9, e: "Error: no", x: "next", h: "fired", v: "before" };
    expect(decodeEntry(ID, { ...stored, ...more })).toMatchObject({
      state: "claimed",
      token: "1h2k3l4m",
      name: "report",
      generation: 2,
      attempts: 1,
      failures: 1,
      claimedUntilMs: 5,
      retryAtMs: 6,
      startedAtMs: 7,
      endedAtMs: 8,
      bufferedAtMs: 9,
      reason: "Error: no",
      nextId: "next",
      nextState: "fired",
      previousId: "before",
      definition: {
        spec: { kind: "cron", timeZone: "Europe/Amsterdam" },
        payload: undefined,
        group: "g",
        jitterMs: 1_000,
        retry: { maxAttempts: 2, baseMs: 1, maxMs: 2 },
        misfire: { policy: "fireAll", graceMs: 60_000, max: 3 },
        overlap: "allow",
      },
    });
    const named = { st: "active", g: 2, g0: 1, d, u: 1_772_325_311_000, x: ID, tk: "1h2k3l4m" };
    expect(decodeNamed("report", named)).toMatchObject({
      state: "active",
      generation: 2,
      firstGeneration: 1,
      entryId: ID,
      dueMs: 1_772_325_311_000,
      passedMs: undefined,
    });
    expect(decodeNamed("report", { ...named, l: 1_772_325_251_000 })).toMatchObject({
      passedMs: 1_772_325_251_000,
    });
  });
});
