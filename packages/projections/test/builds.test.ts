import { describe, expect, it } from "vitest";
import {
  type BatchContext,
  type BuildContext,
  defineProjection,
  type ProjectionOptions,
} from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

type Call = readonly ["prepare" | "handle" | "retire", Pick<BuildContext, "build" | "version">];

interface Handled extends Pick<BatchContext, "build" | "slot" | "isLive"> {
  readonly position: number;
}

/** A run of a handler, what it was asked for, and what it handled. */
function runHandler(options: Partial<ProjectionOptions<never, never>> = {}): {
  readonly run: TimedRun;
  readonly calls: readonly Call[];
  readonly handled: readonly Handled[];
} {
  const calls: Call[] = [];
  const handled: Handled[] = [];
  const call = (what: Call[0], { build, version }: BuildContext): void => {
    const [last, context] = calls.at(-1) ?? [];
    if (last !== what || context?.build !== build) calls.push([what, { build, version }]);
  };
  const run = new TimedRun([
    defineProjection({
      name: "model",
      version: 1,
      batch: { maxEvents: 4 },
      ...options,
      prepare: (context) => call("prepare", context),
      retire: (context) => call("retire", context),
      handle(events, context) {
        call("handle", context);
        const { build, slot, isLive } = context;
        handled.push(...events.map(({ position }) => ({ build, slot, isLive, position })));
      },
    }),
  ]);
  return { run, calls, handled };
}

const streams = (count: number) => Array.from({ length: count }, (_, index) => ({ streamId: `a|${index}` }));

const positionsOf = (handled: readonly Handled[], build: number): readonly number[] =>
  handled
    .flatMap((each) => (each.build === build ? [each.position] : []))
    .toSorted((one, other) => one - other);

const upTo = (position: number): readonly number[] =>
  Array.from({ length: position }, (_, index) => index + 1);

describe("a build of a handler", () => {
  it("is prepared before its first batch, is told whether it is live, and is retired when it is not", async () => {
    const { run, calls, handled } = runHandler();
    await run.append(streams(8));
    await run.untilStored(8);
    await run.projections.rebuild("model");
    await run.until(() => run.saidOf("flipped").length === 1);
    await run.append(streams(4));
    await run.untilStored(12);
    await run.until(() => run.saidOf("retired").length === 1);
    const [first, second] = [1, 2].map((build) => ({ build, version: 1 }));
    expect(calls).toEqual([
      ["prepare", first],
      ["handle", first],
      ["prepare", second],
      ["handle", second],
      ["retire", first],
    ]);
    expect(positionsOf(handled, 1)).toEqual(upTo(8));
    expect(positionsOf(handled, 2)).toEqual(upTo(12));
    // Effects that others would notice are left out of what is built beside the live one, and only there.
    const silent = handled.filter(({ isLive }) => !isLive);
    expect(silent.map(({ build, position }) => [build, position])).toEqual(upTo(8).map((each) => [2, each]));
  });

  it("has all its slots rebuilt at once", async () => {
    const { run, handled } = runHandler({ slots: 4 });
    await run.append(streams(40));
    await run.untilStored(40);
    await run.projections.rebuild("model", { eventsPerSecond: 4 });
    await run.until(
      () => new Set(handled.flatMap(({ build, slot }) => (build === 2 ? [slot] : []))).size === 4,
    );
    // None of them was through before another began.
    expect(positionsOf(handled, 2).length).toBeLessThan(40 / 4 + 4 * 4);
    await run.until(() => run.saidOf("flipped").length === 1);
    expect(positionsOf(handled, 2)).toEqual(upTo(40));
  });

  it("that is given up in the middle never becomes live, and the next one begins anew", async () => {
    const { run, handled } = runHandler();
    await run.append(streams(40));
    await run.untilStored(40);
    await run.projections.rebuild("model", { eventsPerSecond: 4 });
    await run.until(() => positionsOf(handled, 2).length >= 8);
    expect(await run.projections.cancelRebuild("model")).toMatchObject({
      live: { number: 1 },
      next: undefined,
    });
    await run.until(() => run.saidOf("slotStopped").length === 1);
    const left = positionsOf(handled, 2).length;
    await run.projections.rebuild("model");
    await run.until(() => run.saidOf("flipped").length === 1);
    expect(run.saidOf("flipped")).toMatchObject([{ build: 3 }]);
    expect(positionsOf(handled, 3)).toEqual(upTo(40));
    expect(positionsOf(handled, 2).length).toBe(left);
    await run.until(() => run.saidOf("retired").length === 2);
  });

  it("stands still while it is paused, live or not, and goes on where it was", async () => {
    const { run, handled } = runHandler();
    await run.append(streams(40));
    await run.untilStored(40);
    await run.projections.rebuild("model", { eventsPerSecond: 4 });
    await run.until(() => positionsOf(handled, 2).length >= 8);
    await run.projections.pause("model");
    await run.until(() => run.saidOf("slotStopped").length === 2);
    const before = handled.length;
    await run.append(streams(4));
    await run.pass(60_000);
    expect(handled.length).toBe(before);
    await run.projections.resume("model");
    await run.until(() => run.saidOf("flipped").length === 1);
    // Nothing of it is done again: its position was stored.
    expect(positionsOf(handled, 1)).toEqual(upTo(44));
    expect(positionsOf(handled, 2)).toEqual(upTo(44));
  });
});

describe("a reactor", () => {
  it("repeats its effects when it is reset, and never otherwise", async () => {
    const seen: string[] = [];
    const run = new TimedRun([
      defineProjection({
        name: "model",
        version: 1,
        react: ({ position }, { build, idempotencyKey }) =>
          void seen.push(`${build} ${position} ${idempotencyKey}`),
      }),
    ]);
    await run.append(streams(3));
    await run.untilStored(3);
    await expect(run.projections.rebuild("model")).rejects.toThrow(TypeError);
    expect(seen.length).toBe(3);
    await run.projections.reset("model");
    await run.untilStored(3);
    expect(seen.length).toBe(6);
    const keys = seen.map((each) => each.split(" ").slice(1).join(" "));
    // The same key each time: the receiver may drop them.
    expect(new Set(keys).size).toBe(3);
  });
});
