import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laneOf, laneOfShortKey, shortKey } from "../src/group/lane-of.ts";
import {
  advance,
  askFor,
  carryOver,
  decodeLaneState,
  encodeLaneState,
  giveUp,
  keyOfParked,
  type LaneState,
  laneStateAt,
  lowestNeeded,
  nextRedriven,
  parkedCount,
  seal,
  SINGLE,
  unpark,
  wasDone,
} from "../src/group/lane-state.ts";

const KEYS = ["a", "b", "c", "d", "e"];

/** What becomes of the next message of a lane. */
const fates = fc.array(
  fc.record({ key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }), isParked: fc.boolean() }),
  { maxLength: 40 },
);

interface Walked {
  readonly state: LaneState;
  readonly parked: ReadonlyMap<number, string>;
}

function walk(all: readonly { readonly key: string | undefined; readonly isParked: boolean }[]): Walked {
  let state = laneStateAt(0);
  const parked = new Map<number, string>();
  for (const [index, { key, isParked }] of all.entries()) {
    const position = index + 1;
    const short = key === undefined ? SINGLE : shortKey(key);
    const toPark =
      isParked || (short !== SINGLE && state.parked.has(short)) ? [{ position, key: short }] : [];
    state = advance(state, position, [...toPark, ...toPark]);
    if (toPark.length > 0) parked.set(position, short);
  }
  return { state, parked };
}

describe("the state of a lane", () => {
  it("knows what is parked, once, and is stored and read as it is", () => {
    fc.assert(
      fc.property(fates, fc.infiniteStream(fc.nat()), (all, chances) => {
        const { state: walked, parked } = walk(all);
        let state = walked;
        const left = new Map(parked);
        for (const position of parked.keys()) {
          const chance = Number(chances.next().value) % 4;
          if (chance === 0) state = askFor(state, position);
          if (chance === 1) state = giveUp(state, position);
          if (chance > 1) continue;
          if (Number(chances.next().value) % 2 === 0) continue;
          state = unpark(state, position);
          left.delete(position);
        }
        expect(parkedCount(state)).toBe(left.size);
        for (let position = 1; position <= all.length; position++) {
          expect(keyOfParked(state, position)).toBe(left.get(position));
        }
        expect(lowestNeeded(state)).toBe(Math.min(state.done + 1, ...left.keys()));
        for (const position of nextRedriven(state)) expect(left.has(position)).toBe(true);
        const again = decodeLaneState(encodeLaneState(state));
        expect(encodeLaneState(again)).toBe(encodeLaneState(state));
        expect(again.parked).toEqual(state.parked);
        expect(again.redriven).toEqual(state.redriven);
      }),
    );
  });

  it("is taken over by other lanes so that each message is done, parked or left in exactly one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom(...KEYS), { nil: undefined }), { maxLength: 40 }),
        fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.func(fc.boolean()),
        (keys, cursors, lanes, isParked) => {
          const messages = keys.map((key, index) => ({ key, position: index + 1 }));
          const before = cursors.map((done, lane) => {
            let state = laneStateAt(0);
            for (const message of messages) {
              if (message.position > done || laneOf(message, cursors.length) !== lane) continue;
              const { key, position } = message;
              const parked = isParked(position)
                ? [{ position, key: key === undefined ? SINGLE : shortKey(key) }]
                : [];
              state = advance(state, position, parked);
            }
            return seal(advance(state, done));
          });
          const after = Array.from({ length: lanes }, (_, lane) => carryOver(before, { lane, lanes }));
          for (const message of messages) {
            const { position, key } = message;
            const old = before.at(laneOf(message, before.length)) as LaneState;
            const lane = after.at(laneOf(message, lanes)) as LaneState;
            const isTaken = position <= lane.done || wasDone(lane, message);
            expect(isTaken).toBe(position <= old.done);
            const holders = after.filter((state) => keyOfParked(state, position) !== undefined);
            expect(holders.length).toBe(keyOfParked(old, position) === undefined ? 0 : 1);
            const isOwnLanes = key === undefined || holders.every((state) => state === lane);
            expect(isOwnLanes).toBe(true);
          }
          // Once past all of theirs, nothing of before is left.
          const past = Math.max(...cursors);
          for (const state of after) expect(advance(state, past).before).toBeUndefined();
        },
      ),
    );
  });

  it("takes few bytes for what is parked", () => {
    let state = laneStateAt(1_000_000_000);
    for (let index = 0; index < 100; index++) {
      state = advance(state, 1_000_000_000 + index * 50, [
        { position: 1_000_000_000 + index * 50, key: SINGLE },
      ]);
    }
    expect(encodeLaneState(state).length).toBeLessThan(400);
  });
});

describe("the lane of a key", () => {
  it("is one of them, and the same for all who ask", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), (key, lanes) => {
        const lane = laneOf({ key, position: 1 }, lanes);
        expect(lane).toBe(lanes === 1 ? 0 : laneOfShortKey(shortKey(key), lanes));
        expect(lane >= 0 && lane < lanes).toBe(true);
      }),
    );
  });

  it("is as often one as another", () => {
    const counts = [0, 0, 0, 0];
    for (let index = 0; index < 4_000; index++) {
      const lane = laneOf({ key: `key ${index}`, position: 1 }, 4);
      counts[lane] = (counts[lane] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
