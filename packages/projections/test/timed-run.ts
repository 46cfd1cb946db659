import { setImmediate } from "node:timers/promises";
import type { EventStore, Runtime } from "@tuppence/core";
import { type ControlStorage, createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { slotResource } from "../src/builds/names.ts";
import { readSlotLeases } from "../src/builds/slot-leases.ts";
import type { Projection } from "../src/definition/projection.ts";
import { createProjections, type Projections } from "../src/projections.ts";
import { PROJECTION_GUARDS, type ProjectionGuards } from "../src/run/guards.ts";
import type { LogSource } from "../src/run/log-window.ts";
import type { ParkedInSlot } from "../src/run/list-parked.ts";
import type { ProjectionEvent } from "../src/run/projection-event.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import { createProjectionWorkerOn } from "../src/worker/create-projection-worker.ts";
import { Process, World } from "@tuppence/test-support/world";
import { seededRandom } from "@tuppence/test-support/seeded-random";

/** How often a position is stored, in virtual milliseconds. */
export const CHECKPOINT_MS = 300;

/** At most, in virtual milliseconds: a wait that never ends is a failure. */
const LONG_MS = 600_000;

interface TimedOptions {
  /** Changes the log that the worker reads. */
  readonly log?: ((log: LogSource, store: EventStore) => LogSource) | undefined;
  /** Called after each write that was made, before whoever sent it hears of it. */
  readonly onWrite?: ((run: TimedRun) => Promise<void>) | undefined;
  /** What is switched off. */
  readonly guards?: Partial<ProjectionGuards> | undefined;
}

/** When a worker said something, and which. */
interface Said {
  readonly at: number;
  readonly by: string;
}

/** How long a slot stays with a process that gives no sign of life, in virtual milliseconds. */
export const LEASE_MS = 3_000;

/** A worker in virtual time, or several, in which nothing goes wrong and calls take no time: what is done when is exact. */
export class TimedRun {
  readonly store: EventStore;
  readonly projections: Projections;
  /** What workers said. */
  readonly said: (Said & { readonly event: ProjectionEvent })[] = [];
  /** What transactions wrote to other tables. */
  readonly written: object[] = [];
  readonly #control: ControlStorage;
  readonly #world: World;
  readonly #options: TimedOptions;
  readonly #random: () => number = seededRandom(1);
  #workers = 0;

  constructor(projections: readonly Projection[], options: TimedOptions = {}) {
    this.#options = options;
    // By this chance no clock drifts; ids have to differ.
    this.#world = new World(() => 0.5);
    this.#world.isFaulty = false;
    const runtime = this.#runtimeOf(new Process(this.#world, "office"));
    this.store = createMemoryEventStore({ runtime });
    this.#control = this.#watched(createMemoryControlStorage(), options.onWrite);
    const storage = createMemoryProjectionStorage(this.#control);
    this.projections = createProjections({ storage, store: this.store, runtime });
    if (projections.length > 0) this.startWorker(projections);
  }

  /** Another process with a worker: it may be frozen, by its `frozenUntil`. */
  startWorker(projections: readonly Projection[]): Process {
    const { guards, log: changeLog } = this.#options;
    const process = new Process(this.#world, `worker${++this.#workers}`);
    const log = this.store.openLogReader({ pollIntervalMs: 20 });
    const worker = createProjectionWorkerOn(
      {
        projections,
        store: this.store,
        storage: createMemoryProjectionStorage(this.#control),
        workerId: process.name,
        runtime: this.#runtimeOf(process),
        leaseDurationMs: LEASE_MS,
        checkpointIntervalMs: CHECKPOINT_MS,
        onEvent: (event) => this.said.push({ at: this.now, by: process.name, event }),
      },
      {
        parkedLookMs: 100,
        guards: { ...PROJECTION_GUARDS, ...guards },
        log: changeLog?.(log, this.store) ?? log,
      },
    );
    worker.start();
    return process;
  }

  #runtimeOf({ runtime }: Process): Runtime {
    return { ...runtime, random: this.#random };
  }

  /** Virtual milliseconds since it began. */
  get now(): number {
    return this.#world.time;
  }

  /** Events of these types or data, each an append of its own, in order. */
  async append(events: readonly { readonly streamId: string; readonly data?: unknown }[]): Promise<void> {
    for (const { streamId, data = {} } of events)
      await this.store.append(streamId, [{ type: "Added", data }]);
  }

  /** Lets so much virtual time pass. */
  async pass(ms: number): Promise<void> {
    // What can go on without time goes on first.
    await setImmediate();
    await this.#world.runUntil(this.now + ms);
  }

  /** Lets virtual time pass until it is so, and answers when that was. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<number> {
    const end = this.now + LONG_MS;
    while (!(await isSo())) {
      if (this.now > end) throw new Error(`It is not so after ${LONG_MS} ms: ${String(isSo)}`);
      await this.pass(10);
    }
    return this.now;
  }

  /** Until the first slot of each live build has stored this position. */
  async untilStored(position: number): Promise<number> {
    return this.until(async () => {
      const all = await Promise.all(
        (await this.projections.list()).map(({ name, live }) => this.stored(name, live.number)),
      );
      return all.length > 0 && all.every((stored) => stored >= position);
    });
  }

  /** The position that the first slot of a build has stored. */
  async stored(name: string, build: number): Promise<number> {
    const leases = await readSlotLeases(this.#control, "strong");
    return Number(leases.get(slotResource(name, build, 0))?.["position"] ?? 0);
  }

  async parked(name: string): Promise<readonly ParkedInSlot[]> {
    const parked: ParkedInSlot[] = [];
    for await (const event of this.projections.parked(name)) parked.push(event);
    return parked;
  }

  saidOf<Type extends ProjectionEvent["type"]>(
    type: Type,
  ): readonly (Extract<ProjectionEvent, { readonly type: Type }> & Said)[] {
    return this.said.flatMap(({ at, by, event }) =>
      event.type === type
        ? [{ at, by, ...(event as Extract<ProjectionEvent, { readonly type: Type }>) }]
        : [],
    );
  }

  #watched(memory: ControlStorage, onWrite: TimedOptions["onWrite"]): ControlStorage {
    return {
      ...memory,
      update: async (update, signal) => {
        const outcome = await memory.update(update, signal);
        if (outcome.applied) await onWrite?.(this);
        return outcome;
      },
      transact: async (changes, also, signal) => {
        const outcome = await memory.transact(changes, [], signal);
        if (!outcome.applied) return outcome;
        this.written.push(...also);
        await onWrite?.(this);
        return outcome;
      },
    };
  }
}
