import type { Runtime } from "@tuppence/core";
import { type Lease, type LeaseGroup, LeaseLostError, type LeaseState } from "@tuppence/core/leases";

interface StoredLease {
  owner: string | undefined;
  epoch: number;
  position: string | undefined;
  heldUntil: number;
  isWanted: boolean;
}

/** What goes wrong with leases, as probabilities. */
export interface LeaseFaults {
  /** For each round and lease: another takes it though it is held. */
  readonly steal: number;
  readonly handOver: number;
  /** For each commit: before it, and after it. */
  readonly failure: number;
}

/** Leases in memory that all workers of a history share; what they do follows from its random numbers. */
export class MemoryLeases {
  readonly stored = new Map<string, StoredLease>();
  faults: LeaseFaults = { steal: 0, handOver: 0, failure: 0 };
  readonly durationMs = 2_000;

  /** A member of the group. `call` does what a request does: it takes time, and the process may die of it. */
  join(
    workerId: string,
    runtime: Runtime,
    call: <Result>(apply: () => Result) => Promise<Result>,
  ): LeaseGroup {
    return new MemoryLeaseGroup(this, { workerId, runtime, call });
  }
}

interface Member {
  readonly workerId: string;
  readonly runtime: Runtime;
  readonly call: <Result>(apply: () => Result) => Promise<Result>;
}

class MemoryLeaseGroup implements LeaseGroup {
  readonly #leases: MemoryLeases;
  readonly #member: Member;
  readonly #held = new Map<
    string,
    { readonly epoch: number; lost: AbortController; release: AbortController; done: Promise<void> }
  >();
  readonly #stopping = new AbortController();
  #awake = new AbortController();

  constructor(leases: MemoryLeases, member: Member) {
    this.#leases = leases;
    this.#member = member;
  }

  get workerId(): string {
    return this.#member.workerId;
  }

  async ensureTables(): Promise<void> {
    // Nothing to create.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  start(work: Parameters<LeaseGroup["start"]>[0]): void {
    void this.#goRound(work);
  }

  wake(): void {
    this.#awake.abort();
  }

  async list(): Promise<readonly LeaseState[]> {
    return this.#member.call(() =>
      [...this.#leases.stored].map(([resource, { owner, epoch, position }]) => ({
        resource,
        owner,
        epoch,
        position,
      })),
    );
  }

  async stop({ drainMs = 10_000 }: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    this.#stopping.abort();
    for (const { release } of this.#held.values()) release.abort();
    const drained = new AbortController();
    const all = Promise.all([...this.#held.values()].map(({ done }) => done)).then(() => drained.abort());
    await this.#member.runtime.sleep(drainMs, drained.signal).catch(() => all);
    for (const [resource, { epoch, lost }] of this.#held) {
      lost.abort();
      this.#letGo(resource, epoch);
    }
  }

  async #goRound(work: Parameters<LeaseGroup["start"]>[0]): Promise<void> {
    const { runtime, call } = this.#member;
    while (!this.#stopping.signal.aborted) {
      this.#awake = new AbortController();
      const resources = await work.resources();
      await call(() => {
        this.#renew();
        for (const resource of resources) this.#maybeTake(resource, work.run);
      });
      await runtime.sleep(300 + runtime.random() * 400, this.#awake.signal).catch(() => undefined);
    }
  }

  #renew(): void {
    const { workerId, runtime } = this.#member;
    for (const [resource, { epoch, lost, release }] of this.#held) {
      const stored = this.#leases.stored.get(resource);
      if (stored?.owner !== workerId || stored.epoch !== epoch) lost.abort();
      else stored.heldUntil = runtime.now() + this.#leases.durationMs;
      if (stored?.isWanted) release.abort();
    }
  }

  #maybeTake(resource: string, run: (lease: Lease) => Promise<void>): void {
    const { workerId, runtime } = this.#member;
    const { stored: all, faults, durationMs } = this.#leases;
    const stored = all.get(resource) ?? {
      owner: undefined,
      epoch: 0,
      position: undefined,
      heldUntil: 0,
      isWanted: false,
    };
    all.set(resource, stored);
    if (this.#held.has(resource) || this.#stopping.signal.aborted) return;
    const isFree = stored.owner === undefined || stored.heldUntil < runtime.now();
    if (!isFree && runtime.random() < faults.handOver) stored.isWanted = true;
    if (isFree ? runtime.random() < 0.4 : runtime.random() >= faults.steal) return;
    const epoch = stored.epoch + 1;
    Object.assign(stored, { owner: workerId, epoch, heldUntil: runtime.now() + durationMs, isWanted: false });
    const lost = new AbortController();
    const release = new AbortController();
    const lease = this.#lease(resource, { epoch, position: stored.position, lost, release });
    const done = run(lease).finally(() => {
      this.#held.delete(resource);
      this.#letGo(resource, epoch);
    });
    this.#held.set(resource, { epoch, lost, release, done });
  }

  #letGo(resource: string, epoch: number): void {
    const stored = this.#leases.stored.get(resource);
    if (stored?.epoch === epoch) stored.owner = undefined;
  }

  #lease(
    resource: string,
    held: {
      readonly epoch: number;
      readonly position: string | undefined;
      readonly lost: AbortController;
      readonly release: AbortController;
    },
  ): Lease {
    const { workerId, runtime, call } = this.#member;
    const { epoch, lost, release } = held;
    const fail = (): void => {
      if (runtime.random() < this.#leases.faults.failure) throw new Error("the table did not answer");
    };
    const commit = (position: string): Promise<void> =>
      call(() => {
        fail();
        const stored = this.#leases.stored.get(resource);
        if (stored?.owner !== workerId || stored.epoch !== epoch || lost.signal.aborted) {
          lost.abort();
          throw new LeaseLostError({ group: "memory", resource, epoch, mayBeWritten: false });
        }
        stored.position = position;
        fail();
      });
    const fence = (): never => {
      throw new TypeError("There are no transactions here.");
    };
    return {
      resource,
      epoch,
      position: held.position,
      lost: lost.signal,
      release: release.signal,
      commit,
      finish: commit,
      fence,
      fenceUpdate: fence,
      moved: () => undefined,
      settle: async () => undefined,
    };
  }
}
