import fc from "fast-check";
import { expect, it } from "vitest";
import { LoggedVersions } from "../src/log/logged-versions.ts";

/** What is known of the log, held against plain sets of numbers. */

const STREAMS = ["a", "b", "c"];
const HIGHEST = 30;

const range = fc
  .tuple(fc.integer({ min: 1, max: HIGHEST }), fc.integer({ min: 0, max: 5 }))
  .map(([first, more]) => ({ first, last: Math.min(first + more, HIGHEST) }));

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      streamId: fc.constantFrom(...STREAMS),
      range,
      t: fc.integer({ min: 0, max: 20 }),
    }),
  },
  fc.record({ forgetBefore: fc.integer({ min: 0, max: 20 }) }),
);

it("knows what plain sets know, and forgets only what is old", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const known = new LoggedVersions();
      /** All that was ever added. */
      const added = new Map(STREAMS.map((streamId) => [streamId, new Set<number>()]));
      /** What has to be known still: a stream with a page of that time or later is kept as a whole. */
      const kept = new Map(STREAMS.map((streamId) => [streamId, { versions: new Set<number>(), t: -1 }]));
      for (const each of steps) {
        if ("forgetBefore" in each) {
          known.forgetBefore(each.forgetBefore);
          for (const [streamId, { t }] of kept) {
            if (t < each.forgetBefore) kept.set(streamId, { versions: new Set(), t: -1 });
          }
          continue;
        }
        known.add(each.streamId, each.range, each.t);
        const of = kept.get(each.streamId);
        for (let version = each.range.first; version <= each.range.last; version++) {
          added.get(each.streamId)?.add(version);
          of?.versions.add(version);
        }
        if (of !== undefined) of.t = Math.max(of.t, each.t);
      }
      for (const streamId of STREAMS) {
        const mine = kept.get(streamId)?.versions ?? new Set();
        const knows = (version: number): boolean => known.has(streamId, { first: version, last: version });
        const versions = Array.from({ length: HIGHEST }, (_, index) => index + 1);
        const has = versions.filter(knows);
        for (const version of has) expect(added.get(streamId)?.has(version)).toBe(true);
        for (const version of mine) expect(knows(version)).toBe(true);
        expect(known.highest(streamId)).toBe(has.at(-1) ?? 0);
        for (const last of [0, 1, 7, HIGHEST]) {
          const gaps = known.missing(streamId, last);
          const missing = gaps.flatMap((gap) => versions.filter((v) => v >= gap.first && v <= gap.last));
          expect(missing).toEqual(versions.filter((version) => version <= last && !knows(version)));
        }
        for (const first of versions) {
          const whole = [first, first + 1, first + 2].every(knows);
          expect(known.has(streamId, { first, last: first + 2 })).toBe(whole);
        }
      }
    }),
    { numRuns: 150 },
  );
});

it("forgets streams whose pages came in any order of time, once those before them go", () => {
  const known = new LoggedVersions();
  known.add("new", { first: 1, last: 1 }, 10);
  // Pages are also read back.
  known.add("old", { first: 1, last: 1 }, 1);
  known.add("new", { first: 2, last: 2 }, 5);
  known.forgetBefore(5);
  expect(known.has("new", { first: 1, last: 2 })).toBe(true);
  known.forgetBefore(11);
  expect(known.size).toBe(0);
});
