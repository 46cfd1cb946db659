import type { Runtime } from "@tuppence/core";
import {
  type ControlChange,
  type ControlItem,
  type ControlKey,
  type ControlStorage,
  createMemoryControlStorage,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";

/**
 * Processes in virtual time that follows from a seed: each with a clock of its own, frozen and killed at any moment, on one
 * storage whose requests and replies are slow, lost, late or refused.
 */

/** When histories begin, in epoch milliseconds. */
export const BEGINNING = Date.UTC(2026, 2, 1);

/** How far clocks are from true time at most, in milliseconds. */
const MAX_SKEW_MS = 240_000;

/** After so long a request that hangs is given up by whoever sent it, in milliseconds. */
const HANGING_MS = 8_000;

/** From which part to which of that. */
const CLOCKS = { slow: [-1, -0.8], any: [-1, 1], fast: [0.8, 1] } as const;

/** How a process's clock is. */
type Clock = keyof typeof CLOCKS;

export class Process {
  frozenUntil = 0;
  isDead = false;
  readonly runtime: Runtime;
  readonly storage: ScheduleStorage;
  readonly #world: World;

  constructor(world: World, clock: Clock = "any") {
    this.#world = world;
    const [from, to] = CLOCKS[clock];
    const skewMs = Math.round((from + world.random() * (to - from)) * MAX_SKEW_MS);
    this.runtime = {
      now: () => Math.floor(world.time) + skewMs,
      monotonic: () => world.time,
      random: world.random,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
    this.storage = createMemoryScheduleStorage(world.storageOf(this));
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        cancel();
        if (!this.isDead) reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const cancel = this.#world.at(this.#world.time + ms, this, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }
}

interface Happening {
  at: number;
  /** Whose it is; what belongs to nobody happens whoever is frozen or dead. */
  readonly process: Process | undefined;
  readonly go: () => void;
}

/** A change that was carried out. */
export interface CarriedOut {
  readonly process: Process;
  readonly key: ControlKey;
  readonly before: ControlItem | undefined;
  readonly after: ControlItem | undefined;
}

export class World {
  readonly random: () => number;
  readonly memory: ControlStorage = createMemoryControlStorage();
  time = BEGINNING;
  /** Whether anything goes wrong. */
  isFaulty = true;
  /** Of how many calls: 1 is a lot. */
  readonly #storm: number;
  /** Of how many changes that make what follows something else whoever made them dies. */
  deaths = 0;
  /** How much longer a change to a state is under way at most, in milliseconds. */
  delays: Readonly<Record<string, number>> = {};
  /** Is told when such a change begins. */
  onDelay: () => void = () => undefined;
  /** Is told of each change, at its moment. */
  onWrite: (done: CarriedOut) => void = () => undefined;
  readonly #queue = new Set<Happening>();
  /** What items were some time before. */
  readonly #older = new Map<string, Map<string, ControlItem | undefined>>();

  constructor(random: () => number) {
    this.random = random;
    this.#storm = random() < 0.2 ? 0 : random() ** 2;
  }

  /** Answers what takes it back. */
  at(at: number, process: Process | undefined, go: () => void): () => void {
    const happening = { at, process, go };
    this.#queue.add(happening);
    return () => this.#queue.delete(happening);
  }

  /** Lets all happen that is due until then. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      // Everything that can go on without time has gone on once a macrotask has passed.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      let next: Happening | undefined;
      for (const happening of this.#queue) if (!(next && next.at <= happening.at)) next = happening;
      if (next === undefined || next.at > end) break;
      this.#queue.delete(next);
      const { process, at, go } = next;
      if (process?.isDead) continue;
      if (process && process.frozenUntil > at) {
        next.at = process.frozenUntil + this.random();
        this.#queue.add(next);
        continue;
      }
      this.time = Math.max(this.time, at);
      go();
    }
    this.time = end;
  }

  /** The storage as one process has it. */
  storageOf(process: Process): ControlStorage {
    const { memory } = this;
    const read = <Result>(
      signal: AbortSignal | undefined,
      carryOut: () => Promise<Result>,
    ): Promise<Result> => this.#call({ process, signal, isWrite: false }, carryOut);
    const write = <Result>(
      signal: AbortSignal | undefined,
      carryOut: () => Promise<Result>,
      changes: readonly ControlChange[] = [],
    ): Promise<Result> =>
      this.#call({ process, signal, isWrite: true, delayMs: this.#delayOf(changes) }, carryOut);
    return {
      tableName: memory.tableName,
      update: (update, signal) =>
        write(signal, () => this.#watched(process, [update], () => memory.update(update)), [update]),
      transact: (changes, also, signal) =>
        write(signal, () => this.#watched(process, changes, () => memory.transact(changes, also)), changes),
      find: (key, signal) => read(signal, () => memory.find(key)),
      list: (partition, { consistency, signal }) =>
        read(signal, async () => {
          const items = await memory.list(partition, { consistency });
          return consistency === "eventual" && this.isFaulty ? this.#stale(partition, items) : items;
        }),
      delete: (key, signal) => write(signal, () => memory.delete(key)),
      ensureTables: () => memory.ensureTables(),
    };
  }

  #delayOf(changes: readonly ControlChange[]): number {
    const states = changes.map((change) => ("set" in change ? String(change.set["st"]) : ""));
    const delayMs = Math.max(0, ...states.map((state) => this.delays[state] ?? 0));
    if (delayMs > 0) this.onDelay();
    return delayMs;
  }

  #call<Result>(
    {
      process,
      signal,
      isWrite,
      delayMs = 0,
    }: {
      readonly process: Process;
      readonly signal: AbortSignal | undefined;
      readonly isWrite: boolean;
      readonly delayMs?: number | undefined;
    },
    carryOut: () => Promise<Result>,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (process.isDead) return;
      const giveUp = (): void => {
        if (!process.isDead) reject(signal?.reason);
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      const back = (at: number, go: () => void): void =>
        void this.at(at + 1 + this.random() * 30, process, () => {
          signal?.removeEventListener("abort", giveUp);
          go();
        });
      const lose = (at: number): void => {
        const cause = new Error("the reply was lost");
        const error = isWrite ? new UncertainWriteError({ mayBeWritten: true, cause }) : transient(cause);
        back(at + (this.random() < 0.3 ? HANGING_MS : 0), () => reject(error));
      };
      const arrive = (at: number, then: (settle: () => void) => void): void =>
        void this.at(at, undefined, () => {
          void carryOut().then(
            (result) => then(() => resolve(result)),
            (error: unknown) => then(() => reject(error)),
          );
        });
      const arrival = this.time + 1 + this.random() * (30 + (this.isFaulty ? delayMs : 0));
      const fate = this.isFaulty ? this.random() / Math.max(this.#storm, 1e-9) : 1;
      if (fate < 0.02) process.isDead = true;
      else if (fate < 0.05) lose(arrival);
      else if (fate < 0.12) {
        // It is carried out late, some minutes even.
        arrive(this.time + this.random() ** 3 * 120_000, () => undefined);
        lose(arrival);
      } else if (fate < 0.18) arrive(arrival, () => lose(arrival));
      else if (fate < 0.22) {
        arrive(arrival, (settle) => {
          process.isDead ||= this.isFaulty;
          back(this.time, settle);
        });
      } else if (fate < 0.24) back(arrival, () => reject(transient(new Error("slow down"))));
      else if (fate < 0.32)
        arrive(arrival + this.random() ** 2 * 60_000, (settle) => back(this.time, settle));
      else arrive(arrival, (settle) => back(this.time, settle));
    });
  }

  async #watched<Outcome extends { readonly applied: boolean }>(
    process: Process,
    changes: readonly ControlChange[],
    carryOut: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const done: { key: ControlKey; before: ControlItem | undefined }[] = [];
    for (const change of changes) {
      const key = "key" in change ? change.key : change.delete;
      done.push({ key, before: await this.memory.find(key) });
    }
    const outcome = await carryOut();
    if (!outcome.applied) return outcome;
    for (const { key, before } of done) {
      if (this.isFaulty && this.random() < 0.5) {
        const older = this.#older.get(key.partition) ?? new Map<string, ControlItem | undefined>();
        this.#older.set(key.partition, older.set(key.sort, before));
      }
      const after = await this.memory.find(key);
      this.onWrite({ process, key, before, after });
      const isFollower = before === undefined && after?.["v"] !== undefined;
      if (isFollower && this.isFaulty && this.random() < this.deaths) process.isDead = true;
    }
    return outcome;
  }

  /** Some of the items as they were. */
  #stale(partition: string, items: ReadonlyMap<string, ControlItem>): ReadonlyMap<string, ControlItem> {
    const mixed = new Map(items);
    for (const [sort, item] of this.#older.get(partition) ?? []) {
      if (this.random() > 0.2) continue;
      if (item === undefined) mixed.delete(sort);
      else mixed.set(sort, item);
    }
    return mixed;
  }
}

function transient(cause: Error): Error {
  const error = new Error(cause.message, { cause });
  error.name = "ThrottlingException";
  return error;
}
