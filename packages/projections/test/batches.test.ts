import { describe, expect, it } from "vitest";
import type { AnyEvent } from "../src/definition/projection.ts";
import { type BatchContext, defineProjection } from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

interface Handed {
  readonly positions: readonly number[];
  readonly at: number;
  readonly context: BatchContext;
}

/** A run of a handler with these limits, and the batches that it was handed. */
function runBatches(batch: object): { readonly run: TimedRun; readonly handed: readonly Handed[] } {
  const handed: Handed[] = [];
  const run = new TimedRun([
    defineProjection({
      name: "batches",
      version: 1,
      batch,
      handle: (events, context) =>
        void handed.push({ positions: events.map(({ position }) => position), at: run.now, context }),
    }),
  ]);
  return { run, handed };
}

const streams = (count: number, characters = 0) =>
  Array.from({ length: count }, (_, index) => ({
    streamId: `a|${index % 3}`,
    data: { text: "x".repeat(characters) },
  }));

const sizes = (handed: readonly Handed[]) => handed.map(({ positions }) => positions.length);

describe("batch.maxEvents", () => {
  it("is what a batch holds at most, wherever appends and pages end", async () => {
    const { run, handed } = runBatches({ maxEvents: 3 });
    await run.store.append(
      "a|1",
      Array.from({ length: 5 }, () => ({ type: "Added", data: {} })),
    );
    await run.append(streams(5));
    await run.untilStored(10);
    expect(handed.map(({ positions }) => positions)).toEqual([[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]);
    expect(handed.map(({ context: { after, upTo } }) => [after, upTo])).toEqual([
      [0, 3],
      [3, 6],
      [6, 9],
      [9, 10],
    ]);
  });
});

describe("batch.maxCharacters", () => {
  it("is about what a batch holds at most", async () => {
    const { run, handed } = runBatches({ maxCharacters: 10_000 });
    await run.append(streams(20, 2_000));
    await run.untilStored(20);
    // About 2,100 each, with what they carry.
    expect(Math.max(...sizes(handed))).toBe(4);
    expect(handed.length).toBe(5);
  });

  it("lets an event that has more come alone", async () => {
    const { run, handed } = runBatches({ maxCharacters: 1_000 });
    await run.append(streams(5, 2_000));
    await run.untilStored(5);
    expect(sizes(handed)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("batch.maxDelayMs", () => {
  /** One event each 100 ms, from when the log's end was reached once. */
  const trickle = async (run: TimedRun, count: number): Promise<void> => {
    await run.append(streams(1));
    await run.untilStored(1);
    for (let index = 0; index < count; index++) {
      await run.append(streams(1));
      await run.pass(100);
    }
    await run.untilStored(count + 1);
  };

  it("is how long a batch waits for more", async () => {
    const { run, handed } = runBatches({ maxDelayMs: 450 });
    await trickle(run, 10);
    // It was seen up to 20 ms after it came, when four more had come after another 450.
    expect(handed.map(({ positions }) => positions)).toEqual([[1], [2, 3, 4, 5, 6], [7, 8, 9, 10, 11]]);
  });

  it("is not waited when there is a whole batch", async () => {
    const { run, handed } = runBatches({ maxDelayMs: 60_000, maxEvents: 4 });
    await run.append(streams(8));
    await run.until(() => handed.length === 2);
    expect(sizes(handed)).toEqual([4, 4]);
    expect(run.now).toBeLessThan(10_000);
    await run.append(streams(1));
    const asked = run.now;
    await run.untilStored(9);
    expect((handed.at(-1)?.at ?? 0) - asked).toBeGreaterThanOrEqual(60_000);
  });

  it("is 0 by default: what is there is handled at once", async () => {
    const { run, handed } = runBatches({});
    await trickle(run, 10);
    expect(sizes(handed)).toEqual(Array.from({ length: 11 }, () => 1));
  });
});

describe("types and categories", () => {
  const EVENTS = [
    ["a|1", "Wanted"],
    ["a|1", "Other"],
    ["b|1", "Wanted"],
    ["a|2", "Wanted"],
    ["a|2", "Other"],
  ] as const;

  /** What a projection of some types is given of a log. */
  const given = async (
    options: ConstructorParameters<typeof TimedRun>[1] = {},
  ): Promise<readonly number[]> => {
    const positions: number[] = [];
    const run = new TimedRun(
      [
        defineProjection({
          name: "batches",
          version: 1,
          types: ["Wanted"],
          categories: ["a"],
          handle: (events) => void positions.push(...events.map(({ position }) => position)),
        }),
      ],
      options,
    );
    for (const [streamId, type] of EVENTS) await run.store.append(streamId, [{ type, data: {} }]);
    await run.untilStored(EVENTS.length);
    expect(run.saidOf("batchHandled").reduce((sum, { events }) => sum + events, 0)).toBe(positions.length);
    return positions;
  };

  it("are all that is handed over; the position moves past the others", async () => {
    expect(await given()).toEqual([1, 4]);
  });

  it("are those that events have now: what was forgotten is of another type", async () => {
    const positions = await given({
      log: (log) => ({
        waitBeyond: (position, options) => log.waitBeyond(position, options),
        async read(after, options) {
          const page = await log.read(after, options);
          const forget = (event: AnyEvent): AnyEvent =>
            event.position === 1 ? { ...event, type: "$forgotten" } : event;
          return { ...page, events: page.events.map(forget) };
        },
      }),
    });
    expect(positions).toEqual([4]);
  });
});
