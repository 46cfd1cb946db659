import { describe, expect, it } from "vitest";
import { defineProjection } from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

const EVENTS = 300;

interface Handled {
  readonly build: number;
  readonly at: number;
}

/** What is handled of a log of 300 events, whose live build has all of them. */
async function runRebuilds(): Promise<{ readonly run: TimedRun; readonly handled: Handled[] }> {
  const handled: Handled[] = [];
  const run = new TimedRun([
    defineProjection({
      name: "model",
      version: 1,
      handle: (events, { build }) => void handled.push(...events.map(() => ({ build, at: run.now }))),
    }),
  ]);
  const events = Array.from({ length: EVENTS }, () => ({ type: "Added", data: {} }));
  for (let from = 0; from < EVENTS; from += 20) await run.store.append("a|1", events.slice(from, from + 20));
  await run.untilStored(EVENTS);
  return { run, handled };
}

/** The most that a build handled within any second. */
function mostInASecond(handled: readonly Handled[], build: number): number {
  const times = handled.filter((each) => each.build === build).map(({ at }) => at);
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length));
}

const count = (handled: readonly Handled[], build: number): number =>
  handled.filter((each) => each.build === build).length;

describe("a rebuild with eventsPerSecond", () => {
  it("handles no more in any second, and hardly less", async () => {
    const { run, handled } = await runRebuilds();
    await run.projections.rebuild("model", { eventsPerSecond: 20 });
    await run.until(() => count(handled, 2) > 0);
    const begunAt = run.now;
    await run.until(() => count(handled, 2) === EVENTS);
    expect(mostInASecond(handled, 2)).toBeLessThanOrEqual(20);
    expect(run.now - begunAt).toBeLessThan((EVENTS / 20) * 1_000 + 1_000);
    await run.until(() => run.saidOf("flipped").length === 1);
  });

  it("goes at full speed without, and in the build that is live", async () => {
    const { run, handled } = await runRebuilds();
    expect(mostInASecond(handled, 1)).toBe(EVENTS);
    await run.projections.rebuild("model");
    await run.until(() => run.saidOf("flipped").length === 1);
    expect(mostInASecond(handled, 2)).toBe(EVENTS);
  });

  it("does not slow down the live build", async () => {
    const { run, handled } = await runRebuilds();
    await run.projections.rebuild("model", { eventsPerSecond: 10 });
    await run.until(() => count(handled, 2) > 0);
    const appendedAt = run.now;
    await run.store.append(
      "a|1",
      Array.from({ length: 100 }, () => ({ type: "Added", data: {} })),
    );
    await run.until(() => count(handled, 1) === EVENTS + 100);
    expect(run.now - appendedAt).toBeLessThan(200);
    expect(count(handled, 2)).toBeLessThan(EVENTS / 2);
  });

  it("follows another rate that is given while it goes on", async () => {
    const { run, handled } = await runRebuilds();
    await run.projections.rebuild("model", { eventsPerSecond: 1 });
    await run.until(() => count(handled, 2) > 3);
    expect(count(handled, 2)).toBeLessThan(10);
    await run.projections.rebuild("model", { eventsPerSecond: 100 });
    const changedAt = run.now;
    await run.until(() => count(handled, 2) === EVENTS);
    // A worker hears of it within a round of its lease.
    expect(run.now - changedAt).toBeLessThan((EVENTS / 100) * 1_000 + 5_000);
    expect(mostInASecond(handled, 2)).toBeLessThanOrEqual(100);
  });

  it("stores where it is, also while it waits", async () => {
    const { run, handled } = await runRebuilds();
    await run.projections.rebuild("model", { eventsPerSecond: 20 });
    await run.until(() => count(handled, 2) >= 60);
    expect(await run.stored("model", 2)).toBeGreaterThanOrEqual(20);
  });
});
