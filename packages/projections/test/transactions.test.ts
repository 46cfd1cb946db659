import { describe, expect, it } from "vitest";
import { defineProjection, type Projection } from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

/** Of 100 actions one is for the position. */
const MOST = 99;

interface Counted {
  readonly run: TimedRun;
  /** Writes of each transaction, but for those without any. */
  readonly sizes: readonly number[];
}

function runCounted(projection: Projection): Counted {
  const sizes: number[] = [];
  let before = 0;
  const run = new TimedRun([projection], {
    onWrite: async ({ written }) => {
      if (written.length > before) sizes.push(written.length - before);
      before = written.length;
    },
  });
  return { run, sizes };
}

const ledger = (writesOf: (position: number) => number): Projection =>
  defineProjection({
    name: "model",
    version: 1,
    mode: "transaction",
    batch: { maxEvents: 100 },
    handle: (events) =>
      events.flatMap(({ position }) =>
        Array.from({ length: writesOf(position) }, (_, index) => ({
          Put: { TableName: "t", Item: { write: { S: `${position}/${index}` } } },
        })),
      ),
  });

const writesIn = ({ written }: TimedRun): readonly string[] =>
  written.map((each) => (each as { Put: { Item: { write: { S: string } } } }).Put.Item.write.S);

const streams = (count: number) => Array.from({ length: count }, (_, index) => ({ streamId: `a|${index}` }));

const positions = async (run: TimedRun): Promise<readonly number[]> =>
  (await run.parked("model")).map(({ position }) => position);

describe("writes of a handler that are more than a transaction takes", () => {
  it("are made with those of fewer events, each once, in the order of the events", async () => {
    const { run, sizes } = runCounted(ledger(() => 7));
    await run.append(streams(40));
    await run.untilStored(40);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MOST);
    expect(sizes.length).toBeGreaterThan(1);
    const expected = Array.from(
      { length: 40 * 7 },
      (_, index) => `${Math.floor(index / 7) + 1}/${index % 7}`,
    );
    expect(writesIn(run)).toEqual(expected);
  });

  it("take all that there is room for, and park an event that takes more by itself", async () => {
    const { run, sizes } = runCounted(ledger((position) => (position === 2 ? MOST : 1)));
    await run.append(streams(3));
    await run.untilStored(3);
    expect(sizes).toEqual([1, MOST, 1]);
    const more = runCounted(ledger((position) => (position === 2 ? MOST + 1 : 1)));
    await more.run.append(streams(3));
    await more.run.untilStored(3);
    expect(more.sizes).toEqual([1, 1]);
    expect(await more.run.parked("model")).toMatchObject([
      {
        position: 2,
        error: expect.stringMatching(/100 writes follow from 1 events; a transaction takes 99/),
      },
    ]);
  });
});

describe("documents that move together", () => {
  const documents = (documentsOf: (position: number) => number, text = ""): Projection =>
    defineProjection({
      name: "model",
      version: 1,
      mode: "transaction",
      batch: { maxEvents: 100 },
      key: ({ position }) =>
        Array.from({ length: documentsOf(position) }, (_, index) => `${position}/${index}`),
      initialState: () => "",
      evolve: () => text,
    }) as Projection;

  const keys = async (run: TimedRun, projection: Projection): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { key } of run.projections.documents(projection as never).list()) found.push(key);
    return found;
  };

  it("are those of one event at most, which is parked if it goes into more than a transaction takes", async () => {
    const projection = documents((position) => [1, MOST, MOST + 1, 1][position - 1] ?? 0);
    const { run } = runCounted(projection);
    await run.append(streams(4));
    await run.untilStored(4);
    expect(await run.parked("model")).toMatchObject([
      { position: 3, error: expect.stringMatching(/more documents than a transaction takes/) },
    ]);
    const there = await keys(run, projection);
    expect(there.length).toBe(1 + MOST + 1);
  });

  it("are fewer where they are large", async () => {
    const text = "x".repeat(300_000);
    const projection = documents(() => 1, text);
    const moved: number[] = [];
    const run = new TimedRun([projection], {
      onWrite: async (writing) => void moved.push(await writing.stored("model", 1)),
    });
    await run.append(streams(8));
    await run.untilStored(8);
    // 1,000,000 characters at most: 3 of them, and halves of a batch are tried.
    const steps = [...new Set(moved)].map((position, index, all) => position - (all[index - 1] ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(3);
    expect((await keys(run, projection)).length).toBe(8);
    expect(await positions(run)).toEqual([]);
  });
});
