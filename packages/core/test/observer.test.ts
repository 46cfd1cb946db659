import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collect, counted } from "../src/contract/fixtures.ts";
import { createCommandHandler, type Observer, type OperationOutcome } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";

const counting = { initialState: () => 0, evolve: (count: number) => count + 1 };

/** An observer that writes down what it is told. */
function witness() {
  const seen: string[] = [];
  const outcomes: OperationOutcome[] = [];
  const observer: Observer = {
    start({ name, streamId, category }) {
      seen.push([name, streamId, category].filter(Boolean).join(" "));
      return {
        run: (work) => work(),
        retry: (attempt) => void seen.push(`retry ${attempt}`),
        end(outcome) {
          seen.push(`${name} ${outcome.status}`);
          outcomes.push(outcome);
        },
      };
    },
  };
  return { observer, seen, outcomes };
}

it("an observer sees the start and the end of every operation", async () => {
  const { observer, seen } = witness();
  const store = createMemoryEventStore({ observer });
  await store.ensureTables();
  await store.append("a|1", counted(1, 2));
  await store.load("a|1", counting);
  await collect(store.read("a|1"));
  await store.streamExists("a|1");
  await collect(store.listStreams("a"));
  const commits = await collect(store.exportCommits());
  await store.importCommits(commits);
  expect(seen).toEqual([
    "ensureTables",
    "ensureTables done",
    "append a|1 a",
    "append done",
    "load a|1 a",
    "load done",
    "read a|1 a",
    "read done",
    "streamExists a|1 a",
    "streamExists done",
    "listStreams a",
    "listStreams done",
    "exportCommits",
    "exportCommits done",
    "importCommits",
    "importCommits done",
  ]);
});

it("an observer sees reads of the log, and waiting for it", async () => {
  const { observer, seen, outcomes } = witness();
  const store = createMemoryEventStore({ observer });
  await store.append("a|1", counted(1, 3));
  await collect(store.readAll({ limit: 2 }));
  await store.waitFor("a|1", 2);
  await expect(store.waitFor("a|1", 9, { timeoutMs: 1 })).rejects.toMatchObject({ code: "waitTimeout" });
  // Following it has no end.
  for await (const { caughtUp } of store.subscribeAll()) if (caughtUp) break;
  expect(seen.slice(2)).toEqual([
    "readAll",
    "readAll done",
    "waitFor a|1 a",
    "waitFor done",
    "waitFor a|1 a",
    "waitFor failed",
  ]);
  const [, readAll, waitFor] = outcomes;
  expect(readAll).toMatchObject({ events: 2, capacity: { requests: 1, readUnits: 0.5, writeUnits: 0 } });
  expect(waitFor).toMatchObject({ capacity: { requests: 2, readUnits: 2, writeUnits: 0 } });
});

it("an outcome holds no more than it says", async () => {
  const { observer, outcomes } = witness();
  const store = createMemoryEventStore({ observer });
  const handle = createCommandHandler({
    store,
    observer,
    decider: { ...counting, decide: () => counted(1) },
  });
  await handle("a|1", null);
  const capacity = { requests: 2, readUnits: 1, writeUnits: 2 };
  const rest = { resends: 0, lostRaces: 0 };
  expect(outcomes.at(-1)).toEqual({
    status: "done",
    events: 1,
    version: 1,
    duplicate: false,
    attempts: 1,
    capacity,
    ...rest,
  });
  expect(outcomes.map(({ status }) => status)).toEqual(["done", "done", "done", "done"]);
});

describe("an observer that fails", () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): void => {
    if (warning.name === "TuppenceObserverWarning") warnings.push(warning);
  };
  // Heard here instead of printed.
  const printers = process.listeners("warning");
  beforeEach(() => {
    warnings.length = 0;
    process.removeAllListeners("warning").on("warning", hear);
  });
  afterEach(() => {
    process.off("warning", hear);
    for (const printer of printers) process.on("warning", printer);
  });

  const fail = (): never => {
    throw new Error("no telemetry today");
  };
  const sound: ReturnType<Observer["start"]> = {
    run: (work) => work(),
    retry: () => undefined,
    end: () => undefined,
  };

  it.each<[string, Observer]>([
    ["start", { start: fail }],
    ["run", { start: () => ({ ...sound, run: fail }) }],
    [
      "run",
      {
        start: () => ({
          ...sound,
          run(work) {
            work();
            work();
            fail();
          },
        }),
      },
    ],
    ["retry", { start: () => ({ ...sound, retry: fail }) }],
    ["end", { start: () => ({ ...sound, end: fail }) }],
  ])("in %s breaks nothing and does nothing twice", async (method, observer) => {
    const storage = createMemoryStorage();
    const rival = createMemoryEventStore({ storage });
    const store = createMemoryEventStore({ storage, observer });
    await expect(store.append("a|1", counted(1))).resolves.toMatchObject({ version: 1 });
    expect(await collect(store.read("a|1"))).toHaveLength(1);
    await expect(store.append("a|1", counted(1), { expectedVersion: 0 })).rejects.toMatchObject({
      code: "versionConflict",
      actual: 1,
    });
    let decisions = 0;
    const decide = async () => {
      if (decisions++ === 0) await rival.append("a|1", counted(1));
      return counted(1);
    };
    const handle = createCommandHandler({ store, decider: { ...counting, decide }, observer });
    await expect(handle("a|1", null)).resolves.toMatchObject({ version: 3, attempts: 2 });
    expect(decisions).toBe(2);
    // Warnings are given in the next turn.
    await new Promise(setImmediate);
    expect(warnings.length).toBeGreaterThanOrEqual(1);
    for (const warning of warnings) {
      expect(warning.message).toContain(`${method}() of an observer failed`);
      expect(warning.message).toContain("no telemetry today");
    }
  });
});
