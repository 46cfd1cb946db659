import type { EventStore } from "@tuppence/core";
import {
  type ControlChange,
  type ControlStorage,
  createLeaseGroup,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { LEASE_GROUP } from "../src/builds/names.ts";
import { createProjections } from "../src/projections.ts";
import { PROJECTION_GUARDS, type ProjectionGuards } from "../src/run/guards.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import { StoredProjectionWorker } from "../src/worker/projection-worker.ts";
import { ModelChecks } from "./model-checks.ts";
import { ALL_EVENTS, type Code, type ModelName, modelProjection, type Outside } from "./model-projections.ts";
import { Process, World } from "@tuppence/test-support/world";
import { seededRandom } from "@tuppence/test-support/seeded-random";

/**
 * One and the same history, in which one write goes wrong: the first, then the second, and so on to the last. What chance may
 * leave out in the model's histories is here for certain.
 */

/** What becomes of the process that sends the write, or of its reply. */
const MISHAPS = ["dies behind it", "loses its reply", "takes it for lost, and it arrives late"] as const;
type Mishap = (typeof MISHAPS)[number];

/** After so long what arrives late is there, in milliseconds: others have taken over, or sent it again. */
const LATE_MS = 3_000;
const LEASE_MS = 1_500;
const REST_MS = 200_000;

/** Of each kind one. */
const PROJECTIONS = ["mixed", "together", "ledger", "sql", "mails"] as const satisfies readonly ModelName[];
const MIN_WRITES = 15;

const BROKEN: Code = { version: 1, isFixed: false };
const FIXED: Code = { version: 1, isFixed: true };

interface Trouble {
  readonly mishap: Mishap;
  /** Which write, from 1. */
  readonly write: number;
}

class History {
  readonly checks: ModelChecks;
  /** Writes that were sent, wherever to; signs of life, which go by the clock, have a model of their own. */
  writes = 0;
  readonly #name: ModelName;
  readonly #trouble: Trouble | undefined;
  readonly #guards: ProjectionGuards;
  readonly #world: World;
  readonly #chains = createMemoryStorage();
  readonly #operator: Process;
  readonly #store: EventStore;
  #worker: { readonly process: Process; readonly worker: StoredProjectionWorker } | undefined;

  constructor(name: ModelName, trouble?: Trouble, guards: Partial<ProjectionGuards> = {}) {
    this.#name = name;
    this.#trouble = trouble;
    this.#guards = { ...PROJECTION_GUARDS, ...guards };
    this.#world = new World(seededRandom(1));
    this.#world.isFaulty = false;
    this.checks = new ModelChecks(() => this.#world.time);
    this.#world.onWrite = (done, also) => this.checks.written(done, also);
    this.#operator = new Process(this.#world, "operator");
    const { runtime } = this.#operator;
    this.#store = createMemoryEventStore({ events: ALL_EVENTS, storage: this.#chains, runtime });
  }

  /** Two events of each batch are poison for the code that runs first; it is repaired, they are replayed, and all is built anew. */
  async run(): Promise<readonly string[]> {
    this.#startWorker(BROKEN);
    await this.#append(["a|1", "b|1", "a|1", "c|1", "a|1"], 2);
    await this.#pass(1_500);
    await this.#append(["b|1", "a|1", "c|1"], 1);
    await this.#pass(1_500);
    this.#deploy(FIXED);
    const operator = this.#projections();
    await this.#untilDone(async () => {
      await this.#operate(operator.replay(this.#name));
      return this.checks.parkedNow === 0 && this.#isFar();
    });
    if (this.#name !== "mails") await this.#operate(operator.rebuild(this.#name));
    await this.#append(["a|1", "b|1"]);
    await this.#untilDone(async () => this.#isFar());
    // What is late arrives.
    await this.#pass(LATE_MS);
    this.checks.checkEnd([this.#name]);
    return this.checks.problems;
  }

  #projections(): ReturnType<typeof createProjections> {
    const storage = createMemoryProjectionStorage(this.#world.storageOf(this.#operator));
    return createProjections({ storage, store: this.#store, runtime: this.#operator.runtime });
  }

  /** Lets time pass until an operator has their answer. */
  async #operate(operation: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    const answer = operation.finally(() => over.abort());
    while (!over.signal.aborted) await this.#pass(50);
    await answer;
  }

  /** One event for each stream named; the one at `poison` can't be handled by broken code. */
  async #append(streamIds: readonly string[], poison?: number): Promise<void> {
    const where = ["ledger", "sql", "mails"].includes(this.#name) ? "handle" : "evolve";
    for (const [index, streamId] of streamIds.entries()) {
      const data = { keys: ["k0", "k1"], ...(index === poison && { poison: where }) };
      await this.#store.append(streamId, [{ type: "Added", data }]);
    }
    const { log } = this.checks;
    for await (const event of this.#store.readAll({ fromPosition: log.length + 1 })) log.push(event);
  }

  /** Lets time pass; a process that died has a successor. */
  async #pass(ms: number): Promise<void> {
    const end = this.#world.time + ms;
    while (this.#world.time < end) {
      await this.#world.runUntil(Math.min(end, this.#world.time + 200));
      if (this.#worker?.process.isDead) this.#startWorker(this.#code);
    }
  }

  async #untilDone(isDone: () => Promise<boolean>): Promise<void> {
    const end = this.#world.time + REST_MS;
    while (!(await isDone())) {
      if (this.#world.time > end) return void this.checks.problems.push("it never came to rest");
      await this.#pass(500);
    }
  }

  #isFar(): boolean {
    const { live, next } = this.checks.registrations.get(this.#name) ?? {};
    if (live === undefined || next !== undefined) return false;
    return this.checks.positionOf(`${this.#name}@${live.number}#0`) >= this.checks.log.length;
  }

  #code = BROKEN;

  #deploy(code: Code): void {
    const old = this.#worker;
    this.#startWorker(code);
    if (old) void old.worker.stop().then(() => (old.process.isDead = true));
  }

  #startWorker(code: Code): void {
    this.#code = code;
    const world = this.#world;
    const process = new Process(world, "worker");
    const { runtime } = process;
    const storage = createMemoryProjectionStorage(this.#striking(process));
    const store = createMemoryEventStore({ events: ALL_EVENTS, storage: this.#chains, runtime });
    const worker = new StoredProjectionWorker({
      projections: [modelProjection(this.#name, { code, slots: 1, maxEvents: 3 }, this.#outside(process))],
      store,
      storage,
      leases: createLeaseGroup({
        storage: storage.control,
        group: LEASE_GROUP,
        leaseDurationMs: LEASE_MS,
        runtime,
      }),
      runtime,
      guards: this.#guards,
      log: store.openLogReader({ pollIntervalMs: 200 }),
      checkpointIntervalMs: 300,
      parkedLookMs: 300,
      emit: () => undefined,
    });
    worker.start();
    this.#worker = { process, worker };
  }

  /** The storage as a process has it, one of whose writes goes wrong. */
  #striking(process: Process): ControlStorage {
    const storage = this.#world.storageOf(process);
    return {
      ...storage,
      update: (update, signal) =>
        isSignOfLife(update)
          ? storage.update(update, signal)
          : this.#strike(process, () => storage.update(update, signal)),
      transact: (changes, also, signal) =>
        this.#strike(process, () => storage.transact(changes, also, signal)),
      delete: (key, signal) => this.#strike(process, () => storage.delete(key, signal)),
    };
  }

  async #strike<Result>(process: Process, write: () => Promise<Result>): Promise<Result> {
    this.writes += 1;
    const { mishap, write: struck } = this.#trouble ?? {};
    if (this.writes !== struck) return write();
    const lost = new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
    if (mishap === "takes it for lost, and it arrives late") {
      this.#world.at(this.#world.time + LATE_MS, undefined, () => {
        // Whoever sent it hears no more of it, not even that it is refused.
        write().catch(() => undefined);
      });
      throw lost;
    }
    const result = await write();
    if (mishap === "loses its reply") throw lost;
    process.isDead = true;
    return result;
  }

  #outside(process: Process): Outside {
    const { checks } = this;
    const write = (signal: AbortSignal, carryOut: () => void): Promise<void> =>
      this.#strike(process, () =>
        this.#world.call({ process, signal, isWrite: true }, async () => carryOut()),
      );
    return {
      isRepaired: () => true,
      insert: (events, { build, slot, after, upTo, signal }) =>
        write(signal, () => {
          const isDone = checks.inserted(String(build), slot, { events, after, upTo });
          if (!isDone) throw new Error("Its position is another.");
        }),
      loadPosition: async ({ build, slot }) => checks.sqlPosition(build, slot),
      drop: ({ signal }) => write(signal, () => undefined),
      send: (event, { build, slot, signal, idempotencyKey: key }) =>
        write(signal, () => checks.sent(build, slot, { event, key })),
      count: () => Promise.reject(new Error("Nothing is counted here.")),
    };
  }
}

function isSignOfLife(change: ControlChange): boolean {
  if (!("key" in change)) return false;
  return change.key.partition.startsWith("MEMBER|") || Object.keys(change.set).join() === "beat";
}

/** What goes wrong in the histories in each of which another write does. */
async function problemsOf(
  name: ModelName,
  mishap: Mishap,
  guards: Partial<ProjectionGuards> = {},
): Promise<readonly string[]> {
  const calm = new History(name, undefined, guards);
  const problems = [...(await calm.run())];
  // Registration, leases, positions, documents, parked events, a flip: with few of them, little is tried.
  expect(calm.writes).toBeGreaterThan(MIN_WRITES);
  const { parked, replayed, flips } = calm.checks.counts;
  expect(Math.min(parked, replayed) > 0).toBe(name !== "sql");
  expect(flips).toBe(name === "mails" ? 0 : 1);
  for (let write = 1; write <= calm.writes; write++) {
    const found = await new History(name, { mishap, write }, guards).run();
    problems.push(...found.map((problem) => `write ${write}: ${problem}`));
  }
  return problems;
}

describe.each(PROJECTIONS)("each write of %s", (name) => {
  it.each(MISHAPS)("whose process %s leaves nothing lost, and nothing twice", async (mishap) => {
    expect(await problemsOf(name, mishap)).toEqual([]);
  });
});

describe("is noticed", () => {
  it("if documents do not know what they hold", async () => {
    const problems = await problemsOf("mixed", "loses its reply", { holds: () => false });
    expect(problems.join("\n")).toMatch(/mixed@\d+: \w+ is .* and claims/);
  });

  it("if transactions are not fenced", async () => {
    const late = "takes it for lost, and it arrives late";
    const problems = await problemsOf("ledger", late, { fences: false });
    expect(problems.join("\n")).toMatch(/ledger@.* (was done twice|went back)/);
  });
});
