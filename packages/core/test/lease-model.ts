import type { ControlItem, ControlUpdate } from "../src/control/control-storage.ts";
import { LeaseLostError } from "../src/errors.ts";
import { attempt } from "../src/leases/attempt.ts";
import { HeldLease } from "../src/leases/held-lease.ts";
import type { Lease, LeaseGroup } from "../src/leases/lease.ts";
import { fenceUpdate, leaseKey, leasesOf, readLease, type StoredLease } from "../src/leases/lease-item.ts";
import { LEASE_GUARDS, type LeaseGuards } from "../src/leases/next-action.ts";
import { rendezvousOwner } from "../src/leases/rendezvous.ts";
import { StoredLeaseGroup } from "../src/leases/stored-lease-group.ts";
import { type Random, seededRandom } from "./history.ts";
import { type LeaseSabotage, LeaseWorld, MAX_CLOCK_DRIFT, Process } from "./lease-world.ts";

/**
 * Histories of up to four workers at a time that share up to six resources, each replayable from its seed. The work on a
 * resource counts: each position is one more than the one before it, and names the epoch that it was committed with.
 */

const GROUP = "model";
const DURATION_MS = 3_000;
/** Everything goes wrong for so long. */
const FAULTS_MS = 60_000;
/** After the faults, each resource has an owner again within this time, when no work has failed before. */
const OWNED_AGAIN_MS = 6 * DURATION_MS;
/** And the owner that it is to have; after failures of work when the longest pause is over. */
const SETTLED_MS = 6 * DURATION_MS;
const LONGEST_PAUSE_MS = 61_000;
const WATCHED_MS = 6 * DURATION_MS;

export interface Sabotage extends LeaseSabotage {
  /** Of one process; `writtenAt` tells what its owner's wall clock said at a beat. */
  readonly guards?:
    | ((process: Process, writtenAt: (stored: StoredLease) => number) => Partial<LeaseGuards>)
    | undefined;
}

export interface LeaseHistory {
  readonly problems: readonly string[];
  readonly claims: number;
  readonly commits: number;
}

/** Runs one history; answers what went wrong in it, and how much happened. */
export async function runLeaseHistory(seed: number, sabotage: Sabotage = {}): Promise<LeaseHistory> {
  const model = new LeaseModel(seed, sabotage);
  await model.run();
  return {
    problems: model.problems.map((problem) => `seed ${seed}: ${problem}`),
    claims: model.claims,
    commits: model.applied.size,
  };
}

interface Worker {
  readonly process: Process;
  readonly group: LeaseGroup;
  isStopping: boolean;
}

class LeaseModel {
  readonly problems: string[] = [];
  /** Positions that were written, ever. */
  readonly applied = new Set<string>();
  claims = 0;
  readonly #random: Random;
  readonly #world: LeaseWorld;
  readonly #sabotage: Sabotage;
  readonly #resources: readonly string[];
  readonly #workFails: boolean;
  /** Told to the worker: written, or certainly not. */
  readonly #told: { readonly position: string; readonly isWritten: boolean }[] = [];
  readonly #changedAt = new Map<string, number>();
  readonly #claimedAt = new Map<string, number>();
  readonly #writtenAt = new Map<string, number>();
  #workers: Worker[] = [];
  #created = 0;

  constructor(seed: number, sabotage: Sabotage) {
    this.#random = seededRandom(seed);
    this.#sabotage = sabotage;
    this.#world = new LeaseWorld(this.#random, sabotage);
    this.#world.onWrite = (process, before, update) => this.#written(process, before, update);
    this.#resources = Array.from({ length: 1 + Math.floor(this.#random() * 6) }, (_, index) => `r${index}`);
    this.#workFails = this.#random() < 0.25;
  }

  async run(): Promise<void> {
    const world = this.#world;
    for (let count = 1 + Math.floor(this.#random() * 4); count > 0; count--) this.#addWorker();
    while (world.time < FAULTS_MS) {
      await world.runUntil(world.time + this.#random() * 4_000);
      this.#meddle();
    }
    world.isFaulty = false;
    if (this.#live().length === 0) this.#addWorker();
    // What is late arrives, and who is frozen wakes up.
    await world.runUntil(FAULTS_MS + 20_000);
    await world.runUntil(world.time + OWNED_AGAIN_MS);
    if (!this.#workFails) await this.#check("has no owner", ({ owner }) => this.#isLive(owner));
    await world.runUntil(world.time + SETTLED_MS + (this.#workFails ? LONGEST_PAUSE_MS : 0));
    const members = new Set(this.#live().map(({ group }) => group.workerId));
    const epochs = new Map<string, number>();
    await this.#check("is not owned by whom it is to be", ({ owner, epoch }, resource) => {
      epochs.set(resource, epoch);
      return owner === rendezvousOwner(resource, members);
    });
    await world.runUntil(world.time + WATCHED_MS);
    await this.#check("changed hands", ({ epoch }, resource) => epochs.get(resource) === epoch);
    for (const { position, isWritten } of this.#told) {
      if (this.applied.has(position) === isWritten) continue;
      this.problems.push(
        `${position} was told to be ${isWritten ? "" : "not "}written, and was${isWritten ? " not" : ""}`,
      );
    }
  }

  async #check(problem: string, holds: (stored: StoredLease, resource: string) => boolean): Promise<void> {
    for (const resource of this.#resources) {
      const item = await this.#world.memory.find(leaseKey(GROUP, resource));
      if (item && holds(readLease(item), resource)) continue;
      this.problems.push(`${resource} ${problem} at ${this.#world.time}: ${JSON.stringify(item)}`);
    }
  }

  #live(): Worker[] {
    return this.#workers.filter(({ process, isStopping }) => !process.isDead && !isStopping);
  }

  #isLive(worker: string | undefined): boolean {
    return this.#live().some(({ group }) => group.workerId === worker);
  }

  #addWorker(): void {
    const world = this.#world;
    const process = new Process(world, `w${++this.#created}`);
    const writtenAt = (stored: StoredLease): number => this.#writtenAt.get(beatOf(stored)) ?? 0;
    const group = new StoredLeaseGroup({
      storage: world.storageOf(process),
      group: GROUP,
      worker: process.name,
      durationMs: DURATION_MS,
      runtime: process.runtime,
      guards: { ...LEASE_GUARDS, ...this.#sabotage.guards?.(process, writtenAt) },
      emit: () => undefined,
    });
    const resources = (): readonly string[] => {
      if (world.isFaulty && this.#random() < 0.02) throw new Error("the resources are not known");
      return this.#resources;
    };
    group.start({ resources, run: (lease) => this.#work(process, lease) });
    this.#workers.push({ process, group, isStopping: false });
  }

  /** Freezes, kills, stops or adds a worker. */
  #meddle(): void {
    this.#workers = this.#live();
    const kind = this.#random();
    const worker = this.#workers[Math.floor(this.#random() * this.#workers.length)];
    const { process, group } = worker ?? {};
    if (kind < 0.35 && process) {
      process.frozenUntil = this.#world.time + this.#random() * this.#random() * 6 * DURATION_MS;
    } else if (kind < 0.42 && process) process.isDead = true;
    else if (kind < 0.5 && worker && process && group) {
      worker.isStopping = true;
      const stopped = group.stop({ drainMs: this.#random() * 2_000 });
      void stopped.then(() => (process.isDead = true));
    } else if (kind < 0.75 && this.#workers.length < 4) this.#addWorker();
  }

  async #work(process: Process, lease: Lease): Promise<void> {
    const world = this.#world;
    const { runtime } = process;
    // Not all work ends as soon as it is asked to.
    let patience = world.isFaulty ? Math.floor(this.#random() * 4) : 0;
    while (!lease.lost.aborted && !(lease.release.aborted && (!world.isFaulty || patience-- <= 0))) {
      await runtime.sleep(this.#random() * (world.isFaulty ? 1_500 : 10_000));
      if (lease.lost.aborted) return;
      const item = await world.memory.find(leaseKey(GROUP, lease.resource));
      this.#checkBelief(lease, Number(item?.["epoch"]));
      if (world.isFaulty && this.#random() < 0.02) return;
      if (world.isFaulty && this.#workFails && this.#random() < 0.03) throw new Error("the work failed");
      const number = Number(lease.position?.split(":")[0] ?? 0) + 1;
      const position = `${number}:${lease.resource}:${lease.epoch}:${Math.floor(this.#random() * 1e9)}`;
      if (this.#random() < 0.7) await this.#commit(lease, position);
      else await this.#commitInTransaction(process, lease, position);
    }
  }

  #checkBelief(lease: Lease, epoch: number): void {
    const since = this.#world.time - (this.#claimedAt.get(`${lease.resource}:${lease.epoch + 1}`) ?? 0);
    const overlapMs = DURATION_MS / (1 - MAX_CLOCK_DRIFT) - DURATION_MS / (1 + MAX_CLOCK_DRIFT);
    if (epoch <= lease.epoch || since <= overlapMs + 1) return;
    this.problems.push(
      `${lease.resource}: epoch ${lease.epoch} is believed in ${since} ms after the next one began`,
    );
  }

  async #commit(lease: Lease, position: string): Promise<void> {
    try {
      await lease.commit(position);
      this.#told.push({ position, isWritten: true });
    } catch (error) {
      const isLost = error instanceof LeaseLostError;
      if (!(isLost && error.mayBeWritten)) this.#told.push({ position, isWritten: false });
      if (isLost) throw error;
    }
  }

  /** What a user's transaction with `lease.fence` does to the lease, settled as its description says. */
  async #commitInTransaction(process: Process, lease: Lease, position: string): Promise<void> {
    if (!(lease instanceof HeldLease) || lease.isOver) return;
    const holding = { key: leaseKey(GROUP, lease.resource), owner: process.name, epoch: lease.epoch };
    const update = fenceUpdate(holding, lease.position, position);
    const storage = this.#world.storageOf(process);
    const sent = attempt(process.runtime, { timeoutMs: 1_000 }, (signal) => storage.update(update, signal));
    const outcome = await sent.catch(() => undefined);
    if (outcome?.applied) {
      lease.moved(position);
      this.#told.push({ position, isWritten: true });
      return;
    }
    if ((await lease.settle()) === position) this.#told.push({ position, isWritten: true });
  }

  /** Checks each write at the moment that it is carried out. */
  #written(process: Process, before: ControlItem | undefined, { key, set, where }: ControlUpdate): void {
    if (key.partition !== leasesOf(GROUP)) return;
    const fail = (problem: string): void =>
      void this.problems.push(
        `${key.sort} at ${Math.round(this.#world.time)}: ${process.name} ${problem}: ` +
          `${JSON.stringify(before)} ${JSON.stringify(where)} -> ${JSON.stringify(set)}`,
      );
    if (Object.keys(set).join() === "wanted") return;
    const old = before && readLease(before);
    const now = this.#world.time;
    const unchangedMs = now - (this.#changedAt.get(key.sort) ?? 0);
    this.#changedAt.set(key.sort, now);
    const epoch = Number(set["epoch"] ?? old?.epoch);
    if (set["beat"] !== undefined) {
      const beat = beatOf({ owner: String(set["owner"] ?? old?.owner), epoch, beat: Number(set["beat"]) });
      this.#writtenAt.set(beat, process.runtime.now());
    }
    if (set["epoch"] !== undefined) {
      this.claims += 1;
      this.#claimedAt.set(`${key.sort}:${epoch}`, now);
      if (epoch !== (old?.epoch ?? 0) + 1) fail("claimed it with an epoch that was there");
      const isOthers = old?.owner !== undefined && old.owner !== process.name;
      if (isOthers && unchangedMs < DURATION_MS / (1 + MAX_CLOCK_DRIFT))
        fail(`claimed it after ${unchangedMs} ms`);
      return;
    }
    if (old?.owner !== process.name) fail("is not its owner, and wrote");
    if (set["position"] === undefined) return;
    const [number, , committedWith] = String(set["position"]).split(":");
    this.applied.add(String(set["position"]));
    if (Number(committedWith) !== old?.epoch) fail("moved the position with another epoch");
    if (Number(number) !== Number(old?.position?.split(":")[0] ?? 0) + 1)
      fail("moved the position from elsewhere");
  }
}

function beatOf({ owner, epoch, beat }: Pick<StoredLease, "owner" | "epoch" | "beat">): string {
  return `${owner}:${epoch}:${beat}`;
}
