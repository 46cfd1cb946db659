import fc from "fast-check";
import { expect, it } from "vitest";
import { type KnownItem, KnownMessages } from "../src/enqueue/known-messages.ts";

/** What a writer knows of the queue's end, held against a list of all items. */

const RUNS = Number(process.env["HISTORIES"] ?? 300);
const IDS = ["a", "b", "c", "d", "e"];

const item = fc.record({
  /** After the item before. */
  later: fc.integer({ min: 0, max: 4 }),
  ids: fc.array(fc.option(fc.constantFrom(...IDS), { nil: undefined }), { minLength: 1, maxLength: 4 }),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ add: item }) },
  fc.record({ reach: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ forgetBefore: fc.integer({ min: 0, max: 60 }) }),
);

/** Of ids in items of a time or later, the latest position. */
function latest(items: readonly KnownItem[], id: string, since: number): number | undefined {
  let found: number | undefined;
  for (const { first, t, messageIds } of items) {
    for (const [index, each] of messageIds.entries()) if (each === id && t >= since) found = first + index;
  }
  return found;
}

it("keeps nothing of what it forgets", () => {
  const known = new KnownMessages();
  known.addOlder([], 0);
  for (let number = 1; number <= 10; number++) {
    known.add({ first: number, last: number, t: number, messageIds: [`${number % 7}`] });
  }
  const sizes = [1, 3, 4, 7, 10, 11].map((time) => {
    known.forgetBefore(time);
    return known.size;
  });
  expect(sizes).toEqual([7, 7, 7, 4, 1, 0]);
  expect(known.lowest).toBeUndefined();
});

it("knows every id of the time that it says it knows, at its latest position, and no other", () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 20 }), fc.array(step, { maxLength: 60 }), (before, steps) => {
      const all: KnownItem[] = [];
      const append = ({ later, ids }: (typeof before)[number]): KnownItem => {
        const [t, first] = [(all.at(-1)?.t ?? 0) + later, (all.at(-1)?.last ?? 0) + 1];
        const added = { first, last: first + ids.length - 1, t, messageIds: ids };
        all.push(added);
        return added;
      };
      for (const each of before) append(each);
      const known = new KnownMessages();
      const end = (): number => (all.at(-1)?.last ?? 0) + 1;
      for (const each of steps) {
        if ("add" in each) {
          const added = append(each.add);
          if (known.since < Number.POSITIVE_INFINITY) known.add(added);
        } else if ("reach" in each) {
          if (each.reach >= known.since) continue;
          const lowest = known.lowest ?? end();
          known.addOlder(
            all.filter(({ first, t }) => first < lowest && t >= each.reach),
            each.reach,
          );
        } else {
          known.forgetBefore(each.forgetBefore);
        }
        for (const id of IDS) {
          for (const since of [known.since, known.since + 3]) {
            expect(known.find(id, since)).toBe(
              known.since === Number.POSITIVE_INFINITY ? undefined : latest(all, id, since),
            );
          }
        }
        const held = all.find(({ t }) => t >= known.since);
        expect(known.lowest ?? end()).toBeLessThanOrEqual(held?.first ?? end());
      }
    }),
    { numRuns: RUNS },
  );
});
