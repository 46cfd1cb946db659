import { UncertainWriteError } from "../src/chain/storage.ts";
import type { ControlItem, ControlStorage, ControlUpdate } from "../src/control/control-storage.ts";
import { createMemoryControlStorage } from "../src/control/memory-control-storage.ts";
import type { Runtime } from "../src/runtime.ts";
import type { Random } from "./history.ts";

/**
 * Processes in virtual time that follows from a seed: each with clocks of its own, frozen and killed at any moment, on one
 * storage whose requests and replies are slow, lost, late or refused.
 */

/** How much faster or slower than time a clock may run. */
export const MAX_CLOCK_DRIFT = 0.05;

export class Process {
  readonly name: string;
  readonly #world: LeaseWorld;
  readonly #rate: number;
  readonly #offset: number;
  readonly #wallOffset: number;
  frozenUntil = 0;
  isDead = false;

  constructor(world: LeaseWorld, name: string) {
    this.name = name;
    this.#world = world;
    this.#rate = 1 + (world.random() * 2 - 1) * MAX_CLOCK_DRIFT;
    this.#offset = world.random() * 1e9;
    this.#wallOffset = (world.random() * 2 - 1) * 12 * 3_600_000;
  }

  get runtime(): Runtime {
    const world = this.#world;
    return {
      now: () => world.time + this.#wallOffset,
      monotonic: () => this.#offset + world.time * this.#rate,
      random: world.random,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const onAbort = (): void => {
            cancel();
            reject(signal?.reason);
          };
          signal?.addEventListener("abort", onAbort, { once: true });
          const cancel = world.at(world.time + ms / this.#rate, this, () => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          });
        }),
    };
  }
}

interface Happening {
  at: number;
  /** Whose it is; what belongs to nobody happens whoever is frozen or dead. */
  readonly process: Process | undefined;
  readonly go: () => void;
}

interface Call {
  readonly process: Process;
  readonly signal: AbortSignal | undefined;
  readonly isWrite: boolean;
}

/** What is switched off in the storage, to see that the checks notice. */
export interface LeaseSabotage {
  /** Writes that are sent without the conditions that they have. */
  readonly alter?: ((update: ControlUpdate) => ControlUpdate) | undefined;
}

export class LeaseWorld {
  readonly random: Random;
  readonly memory: ControlStorage = createMemoryControlStorage();
  time = 0;
  /** Whether anything goes wrong. */
  isFaulty = true;
  /** Each write, at the moment that it is carried out. */
  onWrite: (process: Process, before: ControlItem | undefined, update: ControlUpdate) => void = () =>
    undefined;
  readonly #sabotage: LeaseSabotage;
  readonly #queue = new Set<Happening>();
  #older = new Map<string, ReadonlyMap<string, ControlItem>>();

  constructor(random: Random, sabotage: LeaseSabotage) {
    this.random = random;
    this.#sabotage = sabotage;
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
      // Everything that can go on without time has gone on once a macrotask has passed.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    this.time = end;
  }

  /** The storage as one process has it. */
  storageOf(process: Process): ControlStorage {
    const { memory } = this;
    const send = <Result>(call: Call, carryOut: () => Promise<Result>): Promise<Result> =>
      this.#send(call, carryOut);
    return {
      tableName: memory.tableName,
      update: (update, signal) =>
        send({ process, signal, isWrite: true }, async () => {
          const sent = this.#sabotage.alter?.(update) ?? update;
          const before = await memory.find(sent.key);
          const old = await memory.list(sent.key.partition, { consistency: "strong" });
          const outcome = await memory.update(sent);
          if (outcome.applied) {
            if (this.random() < 0.3) this.#older.set(sent.key.partition, old);
            this.onWrite(process, before, update);
          }
          return outcome;
        }),
      transact: (changes, also, signal) =>
        send({ process, signal, isWrite: true }, () => memory.transact(changes, also)),
      find: (key, signal) => send({ process, signal, isWrite: false }, () => memory.find(key)),
      list: (partition, { consistency, signal }) =>
        send({ process, signal, isWrite: false }, async () => {
          const old = this.#older.get(partition);
          const isStale = consistency === "eventual" && this.isFaulty && this.random() < 0.2;
          return isStale && old ? old : memory.list(partition, { consistency });
        }),
      delete: (key, signal) => send({ process, signal, isWrite: true }, () => memory.delete(key)),
      ensureTables: () => memory.ensureTables(),
    };
  }

  #send<Result>(call: Call, carryOut: () => Promise<Result>): Promise<Result> {
    const { process, signal, isWrite } = call;
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      const fate = this.isFaulty ? this.random() : 1;
      const arrival =
        this.time + 1 + this.random() * 40 + (fate > 0.9 && this.isFaulty ? this.random() * 2_000 : 0);
      const back = (at: number, go: () => void): void =>
        void this.at(at + 1 + this.random() * 40, process, go);
      const lose = (): void => {
        if (fate * 1_000 - Math.floor(fate * 1_000) < 0.3) return; // It hangs.
        const cause = new Error("the reply was lost");
        back(arrival, () => reject(isWrite ? new UncertainWriteError({ mayBeWritten: true, cause }) : cause));
      };
      const arrive = (at: number, then: (result: Result) => void): void =>
        void this.at(at, undefined, () => void carryOut().then(then, reject));
      if (fate < 0.01) process.isDead = true;
      else if (fate < 0.05) lose();
      else if (fate < 0.08) {
        arrive(this.time + this.random() * 20_000, () => undefined);
        lose();
      } else if (fate < 0.12) arrive(arrival, lose);
      else if (fate < 0.13) arrive(arrival, () => void (process.isDead ||= this.isFaulty));
      else if (fate < 0.15) back(arrival, () => reject(new Error("slow down")));
      else arrive(arrival, (result) => back(this.time, () => resolve(result)));
    });
  }
}
