import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type BatchContext, defineProjection, type Projection } from "../src/index.ts";
import type { ProjectionGuards } from "../src/run/guards.ts";
import type { Process } from "@tuppence/test-support/world";
import { LEASE_MS, TimedRun } from "./timed-run.ts";

const EVENTS = 6;

/** A process that stays in its handler, with all its writes in its hands. */
interface Sleeper {
  readonly run: TimedRun;
  readonly process: Process;
  readonly context: BatchContext;
  /** Lets it go on. */
  readonly wake: () => void;
}

/** What was written, by builds. */
const written = ({ written: writes }: TimedRun): readonly string[] =>
  writes.map((write) => {
    const { TableName, Item } = (write as { Put: { TableName: string; Item: { position: { N: string } } } })
      .Put;
    return `${TableName}:${Item.position.N}`;
  });

const ofBuild = (build: number): readonly string[] =>
  Array.from({ length: EVENTS }, (_, index) => `${build}:${index + 1}`);

/** A ledger whose first batch of all waits until it is woken. */
async function sleepInHandler(guards: Partial<ProjectionGuards> = {}): Promise<Sleeper> {
  let context: BatchContext | undefined;
  let wake = (): void => undefined;
  const isAwake = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const ledger = (isSleepy: boolean): Projection =>
    defineProjection({
      name: "ledger",
      version: 1,
      mode: "transaction",
      async handle(events, given) {
        if (isSleepy && context === undefined) {
          context = given;
          await isAwake;
        }
        return events.map(({ position }) => ({
          Put: { TableName: String(given.build), Item: { position: { N: String(position) } } },
        }));
      },
    });
  const run = new TimedRun([], { guards });
  await run.append(Array.from({ length: EVENTS }, (_, index) => ({ streamId: `a|${index % 2}` })));
  const process = run.startWorker([ledger(true)]);
  await run.until(() => context !== undefined);
  run.startWorker([ledger(false)]);
  return { run, process, context: context as unknown as BatchContext, wake };
}

describe("a handler that is slower than its lease", () => {
  it("keeps its slot while its process lives, however long it takes", async () => {
    const { run, context, wake } = await sleepInHandler();
    await run.pass(20 * LEASE_MS);
    expect(context.signal.aborted).toBe(false);
    expect(written(run)).toEqual([]);
    wake();
    await run.untilStored(EVENTS);
    expect(written(run)).toEqual(ofBuild(1));
    expect(run.saidOf("slotStarted").map(({ by }) => by)).toEqual(["worker1"]);
  });

  it("loses it when its process is frozen: what it still sends is refused", async () => {
    const { run, process, context, wake } = await sleepInHandler();
    process.frozenUntil = Number.POSITIVE_INFINITY;
    await run.untilStored(EVENTS);
    expect(written(run)).toEqual(ofBuild(1));
    process.frozenUntil = 0;
    wake();
    await run.until(() => run.saidOf("slotStopped").some(({ by }) => by === "worker1"));
    expect(context.signal.aborted).toBe(true);
    await run.pass(3 * LEASE_MS);
    expect(written(run)).toEqual(ofBuild(1));
    expect(await run.stored("ledger", 1)).toBe(EVENTS);
  });
});

describe("a reset under a running worker", () => {
  it.each(["awake", "frozen"])("takes its work from its hands (%s), and all begins anew", async (how) => {
    const { run, process, context, wake } = await sleepInHandler();
    if (how === "frozen") process.frozenUntil = Number.POSITIVE_INFINITY;
    await run.projections.reset("ledger");
    await run.untilStored(EVENTS);
    expect(written(run)).toEqual(ofBuild(2));
    process.frozenUntil = 0;
    wake();
    await run.until(() => run.saidOf("slotStopped").some(({ build }) => build === 1));
    expect(context.signal.aborted).toBe(true);
    await run.append([{ streamId: "a|1" }]);
    await run.untilStored(EVENTS + 1);
    await run.pass(3 * LEASE_MS);
    expect(written(run)).toEqual([...ofBuild(2), `2:${EVENTS + 1}`]);
    expect(await run.stored("ledger", 1)).toBe(0);
  });

  it("control: without the fence the zombie's writes are made", async () => {
    const { run, process, wake } = await sleepInHandler({ fences: false });
    process.frozenUntil = Number.POSITIVE_INFINITY;
    await run.projections.reset("ledger");
    await run.untilStored(EVENTS);
    process.frozenUntil = 0;
    wake();
    await run.pass(3 * LEASE_MS);
    expect(written(run)).toEqual([...ofBuild(2), ...ofBuild(1)]);
  });
});

describe("a document that a zombie puts", () => {
  it("after a reset, goes where nobody reads; what readers see is a fold of the log", async () => {
    let wake = (): void => undefined;
    let isAsleep = false;
    const isAwake = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const counts = (isSleepy: boolean) =>
      defineProjection({
        name: "ledger",
        version: 1,
        key: () => "all",
        initialState: (): number[] => [],
        evolve: (positions, { position }) => [...positions, position],
        schema: z.array(z.number()).refine(async () => {
          if (isSleepy && !isAsleep) {
            isAsleep = true;
            await isAwake;
          }
          return true;
        }),
      });
    const run = new TimedRun([]);
    await run.append(Array.from({ length: EVENTS }, () => ({ streamId: "a|1" })));
    const process = run.startWorker([counts(true)]);
    await run.until(() => isAsleep);
    run.startWorker([counts(false)]);
    process.frozenUntil = Number.POSITIVE_INFINITY;
    await run.projections.reset("ledger");
    await run.untilStored(EVENTS);
    process.frozenUntil = 0;
    wake();
    await run.until(() => run.saidOf("slotStopped").some(({ build }) => build === 1));
    await run.append([{ streamId: "a|1" }]);
    await run.untilStored(EVENTS + 1);
    expect(await run.projections.documents(counts(false)).get("all")).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});
