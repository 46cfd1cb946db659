import type { Runtime } from "@tuppence/core";
import {
  type ControlChange,
  type ControlItem,
  type ControlKey,
  type ControlStorage,
  createMemoryControlStorage,
  UncertainWriteError,
} from "@tuppence/core/leases";

/**
 * Processes in virtual time that follows from a seed: each with clocks of its own, frozen and killed at any moment, on one
 * storage whose requests and replies are slow, lost, late or refused.
 */

/** How much faster or slower than time a clock may run. */
const MAX_CLOCK_DRIFT = 0.05;

/** After so long a request that hangs is given up by whoever sent it, in milliseconds. */
const HANGING_MS = 8_000;

export class Process {
  readonly name: string;
  frozenUntil = 0;
  isDead = false;
  readonly runtime: Runtime;
  readonly #world: World;

  constructor(world: World, name: string) {
    this.name = name;
    this.#world = world;
    const { random } = world;
    const rate = 1 + (random() * 2 - 1) * MAX_CLOCK_DRIFT;
    const offset = random() * 1e9;
    const wallOffset = 1_800_000_000_000 + (random() * 2 - 1) * 3_600_000;
    this.runtime = {
      now: () => Math.floor(world.time + wallOffset),
      monotonic: () => offset + world.time * rate,
      random,
      sleep: (ms, signal) => this.#sleep(ms / rate, signal),
    };
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

export interface Call {
  readonly process: Process;
  readonly signal: AbortSignal | undefined;
  readonly isWrite: boolean;
}

/** A change that was carried out. */
export interface CarriedOut {
  readonly change: ControlChange;
  readonly key: ControlKey;
  readonly before: ControlItem | undefined;
  readonly after: ControlItem | undefined;
}

export class World {
  readonly random: () => number;
  readonly memory: ControlStorage = createMemoryControlStorage();
  time = 0;
  /** Whether anything goes wrong, and of how many calls: 1 is a lot. */
  isFaulty = true;
  readonly #storm: number;
  /** What was carried out together, at that moment; `also` are the writes to other tables. */
  onWrite: (done: readonly CarriedOut[], also: readonly object[]) => void = () => undefined;
  /** Changes what is sent, to see that the checks notice. */
  alter: (change: ControlChange) => ControlChange = (change) => change;
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
    const send = <Result>(call: Omit<Call, "process">, carryOut: () => Promise<Result>): Promise<Result> =>
      this.call({ process, ...call }, carryOut);
    return {
      tableName: memory.tableName,
      update: (update, signal) =>
        send({ signal, isWrite: true }, async () => {
          const sent = this.alter(update);
          if (!("key" in sent)) throw new TypeError("An update stays one.");
          return this.#watched([sent], [], () => memory.update(sent));
        }),
      transact: (changes, also, signal) =>
        send({ signal, isWrite: true }, () => {
          const sent = changes.map(this.alter);
          return this.#watched(sent, also, () => memory.transact(sent, []));
        }),
      find: (key, signal) => send({ signal, isWrite: false }, () => memory.find(key)),
      list: (partition, { consistency, signal }) =>
        send({ signal, isWrite: false }, async () => {
          const items = await memory.list(partition, { consistency });
          return consistency === "eventual" && this.isFaulty ? this.#stale(partition, items) : items;
        }),
      delete: (key, signal) =>
        send({ signal, isWrite: true }, async () => {
          const change = { delete: key, where: {} };
          await this.#watched([change], [], async () => {
            await memory.delete(key);
            return { applied: true };
          });
        }),
      ensureTables: () => memory.ensureTables(),
    };
  }

  /** A call to anything outside of the process. */
  call<Result>({ process, signal, isWrite }: Call, carryOut: () => Promise<Result>): Promise<Result> {
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
      const arrival = this.time + 1 + this.random() * 30;
      const fate = this.isFaulty ? this.random() / Math.max(this.#storm, 1e-9) : 1;
      if (fate < 0.01) process.isDead = true;
      else if (fate < 0.05) lose(arrival);
      else if (fate < 0.12) {
        arrive(this.time + this.random() * this.random() * 20_000, () => undefined);
        lose(arrival);
      } else if (fate < 0.18) arrive(arrival, () => lose(arrival));
      else if (fate < 0.2) {
        arrive(arrival, (settle) => {
          process.isDead ||= this.isFaulty;
          back(this.time, settle);
        });
      } else if (fate < 0.24) back(arrival, () => reject(transient(new Error("slow down"))));
      else if (fate < 0.3) arrive(arrival + this.random() * 2_000, (settle) => back(this.time, settle));
      else arrive(arrival, (settle) => back(this.time, settle));
    });
  }

  async #watched<Outcome extends { readonly applied: boolean }>(
    changes: readonly ControlChange[],
    also: readonly object[],
    carryOut: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const done: { change: ControlChange; key: ControlKey; before: ControlItem | undefined }[] = [];
    for (const change of changes) {
      const key = "key" in change ? change.key : change.delete;
      done.push({ change, key, before: await this.memory.find(key) });
    }
    const outcome = await carryOut();
    if (!outcome.applied) return outcome;
    const carriedOut: CarriedOut[] = [];
    for (const { key, before, change } of done) {
      if (this.isFaulty && this.random() < 0.5) {
        const { partition, sort } = key;
        const older = this.#older.get(partition) ?? new Map<string, ControlItem | undefined>();
        this.#older.set(partition, older.set(sort, before));
      }
      carriedOut.push({ change, key, before, after: await this.memory.find(key) });
    }
    this.onWrite(carriedOut, also);
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
