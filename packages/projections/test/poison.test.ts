import { describe, expect, it } from "vitest";
import { defineProjection, type FailurePolicy, type Projection } from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

/** Six events of three streams, all in one batch. */
const STREAMS = ["a|1", "b|1", "c|1", "a|1", "b|1", "c|1"];
const PLACES = { first: 1, middle: 3, last: 6 };

type Kind = "documents" | "documents together" | "handler" | "transaction handler" | "reactor";
const KINDS: readonly Kind[] = [
  "documents",
  "documents together",
  "handler",
  "transaction handler",
  "reactor",
];

interface Poisoned {
  readonly run: TimedRun;
  /** The positions that something was done for, in that order. */
  readonly done: () => Promise<readonly number[]>;
  readonly repair: () => void;
}

/** A projection that can't handle the event at a position until it is repaired. */
function runPoisoned(kind: Kind, poison: number, options: object): Poisoned {
  const handled: number[] = [];
  let isBroken = true;
  const take = ({ position }: { readonly position: number }): number => {
    if (isBroken && position === poison) throw new Error("poison");
    return position;
  };
  const base = { name: "model", version: 1, maxAttempts: 1, ...options };
  const projection = projectionOf(kind, base, take, handled);
  const run = new TimedRun([projection]);
  return {
    run,
    repair: () => void (isBroken = false),
    async done() {
      const written = run.written.map((write) =>
        Number((write as { Put: { Item: { position: { N: string } } } }).Put.Item.position.N),
      );
      const folded: number[] = [];
      if (projection.kind === "document") {
        for await (const { document } of run.projections.documents(projection).list()) {
          folded.push(...(document as readonly number[]));
        }
      }
      return [...handled, ...written, ...folded];
    },
  };
}

function projectionOf(
  kind: Kind,
  base: { readonly name: string; readonly version: number; readonly maxAttempts: number },
  take: (event: { readonly position: number }) => number,
  handled: number[],
): Projection {
  switch (kind) {
    case "documents":
    case "documents together":
      return defineProjection({
        ...base,
        mode: kind === "documents" ? "guard" : "transaction",
        key: ({ streamId }) => streamId,
        initialState: (): readonly number[] => [],
        evolve: (positions, event) => [...positions, take(event)],
      }) as Projection;
    case "handler":
      return defineProjection({ ...base, handle: (events) => void handled.push(...events.map(take)) });
    case "transaction handler":
      return defineProjection({
        ...base,
        mode: "transaction",
        handle: (events) =>
          events.map((event) => ({
            Put: { TableName: "t", Item: { position: { N: String(take(event)) } } },
          })),
      });
    case "reactor":
      return defineProjection({ ...base, react: (event) => void handled.push(take(event)) });
  }
}

const append = (run: TimedRun): Promise<void> => run.append(STREAMS.map((streamId) => ({ streamId })));
const inOrder = (positions: readonly number[]): readonly number[] =>
  positions.toSorted((one, other) => one - other);
const positionsBut = (left: readonly number[], count = STREAMS.length): readonly number[] =>
  Array.from({ length: count }, (_, index) => index + 1).filter((position) => !left.includes(position));

const cases = KINDS.flatMap((kind) =>
  Object.entries(PLACES).map(([place, poison]) => [kind, place, poison] as const),
);

describe.each(cases)("of %s, poison that comes %s", (kind, _, poison) => {
  const runWith = (onFailure: FailurePolicy): Poisoned => runPoisoned(kind, poison, { onFailure });

  it("is parked with what is behind it, and handled in order once it can be, while more comes", async () => {
    const { run, done, repair } = runWith("park");
    await append(run);
    await run.untilStored(6);
    const stream = STREAMS[poison - 1] ?? "";
    const parked = [poison, poison + 3].filter((position) => position <= 6);
    expect((await run.parked("model")).map(({ position }) => position)).toEqual(parked);
    expect(inOrder(await done())).toEqual(positionsBut(parked));
    await append(run);
    await run.untilStored(12);
    const later = [...parked, poison + 6, poison + 9].filter((position) => position <= 12);
    const all = [...new Set([...later, poison + 3])];
    expect((await run.parked("model")).map(({ position }) => position)).toEqual(inOrder(all));
    repair();
    await run.projections.replay("model");
    await append(run);
    await run.untilStored(18);
    await run.until(async () => (await run.parked("model")).length === 0);
    await run.untilStored(18);
    const own = STREAMS.flatMap((each, index) => (each === stream ? [index + 1] : []));
    const ofStream = [0, 6, 12].flatMap((before) => own.map((position) => position + before));
    await run.until(async () => (await done()).length === 18);
    expect((await done()).filter((position) => ofStream.includes(position))).toEqual(ofStream);
    expect(inOrder(await done())).toEqual(positionsBut([], 18));
  });

  it("is left out where that is wanted, and nothing else is", async () => {
    const { run, done } = runWith("skip");
    await append(run);
    await run.untilStored(6);
    expect(inOrder(await done())).toEqual(positionsBut([poison]));
    expect(run.saidOf("skipped").map(({ position }) => position)).toEqual([poison]);
    expect(await run.parked("model")).toEqual([]);
  });

  it("halts where that is wanted, with all before it done and nothing behind it", async () => {
    const { run, done, repair } = runWith("halt");
    await append(run);
    await run.until(() => run.saidOf("halted").length === 3);
    expect(inOrder(await done())).toEqual(positionsBut([], poison - 1));
    expect(await run.stored("model", 1)).toBe(poison - 1);
    const [status] = await run.projections.status("model");
    expect(status?.live.slots).toMatchObject([{ state: "halted", errorPosition: poison }]);
    repair();
    await run.untilStored(6);
    expect(inOrder(await done())).toEqual(positionsBut([]));
  });
});

describe.each(KINDS)("of %s, with maxParked 2", (kind) => {
  it("a third event that would be parked halts it, until there is room", async () => {
    const { run, done, repair } = runPoisoned(kind, 1, { maxParked: 2 });
    const own = ["a|1", "b|1", "a|1", "c|1", "a|1", "b|1"].map((streamId) => ({ streamId }));
    await run.append(own);
    await run.until(() => run.saidOf("halted").length === 2);
    expect(run.saidOf("halted").map(({ position }) => position)).toEqual([5, 5]);
    // What is before the third is done, or parked; what is behind it waits.
    expect((await run.parked("model")).map(({ position }) => position)).toEqual([1, 3]);
    expect(inOrder(await done())).toEqual([2, 4]);
    expect(await run.stored("model", 1)).toBe(4);
    repair();
    await run.projections.replay("model");
    await run.untilStored(6);
    expect(inOrder(await done())).toEqual(positionsBut([]));
    expect(await run.parked("model")).toEqual([]);
  });

  it("another stream's event that can't be handled halts it as well", async () => {
    const { run, done, repair } = runPoisoned(kind, 1, { maxParked: 1 });
    // The second of its stream is behind the first.
    await run.append(["a|1", "b|1", "a|1"].map((streamId) => ({ streamId })));
    await run.until(() => run.saidOf("halted").length === 1);
    expect(inOrder(await done())).toEqual([2]);
    repair();
    await run.projections.replay("model", { skip: true });
    await run.untilStored(3);
    // With skip, the one that failed is left out for good.
    expect(inOrder(await done())).toEqual([2, 3]);
    expect(run.saidOf("replayed")).toMatchObject([{ skipped: true, event: { position: 1 } }]);
  });
});
