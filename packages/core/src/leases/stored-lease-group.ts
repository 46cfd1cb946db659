import { LeaseLostError } from "../errors.ts";
import { backoffMs, pause } from "../runtime.ts";
import { BEATS_PER_DURATION, type HeldLease, type LeaseContext } from "./held-lease.ts";
import type { LeasedWork, LeaseGroup, LeaseState } from "./lease.ts";
import { leasesOf, readLease } from "./lease-item.ts";
import { LeaseRound } from "./lease-round.ts";

/** How long `stop` waits for work to end when it is not told. */
export const DEFAULT_DRAIN_MS = 10_000;

/** Before what failed is tried again by the same worker. Others may take it meanwhile. */
const RUN_BACKOFF = { baseMs: 1_000, maxMs: 60_000 };

/** The failures of work on one resource without a success in between. */
interface Failures {
  readonly count: number;
  readonly pausedUntil: number;
}

/** One member of a group. */
export class StoredLeaseGroup implements LeaseGroup {
  readonly #context: LeaseContext;
  readonly #round: LeaseRound;
  readonly #stopping = new AbortController();
  /** Leases whose work has not ended, lost ones too: one process never works twice on the same. */
  readonly #held = new Map<string, { readonly lease: HeldLease; readonly done: Promise<void> }>();
  readonly #failures = new Map<string, Failures>();
  #work: LeasedWork | undefined;
  #rounds: Promise<void> = Promise.resolve();
  #awake = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(context: LeaseContext) {
    this.#context = context;
    this.#round = new LeaseRound(context);
  }

  get workerId(): string {
    return this.#context.worker;
  }

  start(work: LeasedWork): void {
    if (this.#work !== undefined || this.#stopped !== undefined) {
      throw new TypeError(`Group ${JSON.stringify(this.#context.group)} was started before: create another.`);
    }
    this.#work = work;
    this.#rounds = this.#goRound(work);
  }

  wake(): void {
    this.#awake.abort();
  }

  async list(): Promise<readonly LeaseState[]> {
    const { storage, group } = this.#context;
    const items = await storage.list(leasesOf(group), { consistency: "strong" });
    return [...items].map(([resource, item]) => {
      const { owner, epoch, position } = readLease(item);
      return { resource, owner, epoch, position };
    });
  }

  ensureTables(): Promise<void> {
    return this.#context.storage.ensureTables();
  }

  stop(options: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options.drainMs ?? DEFAULT_DRAIN_MS);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #goRound(work: LeasedWork): Promise<void> {
    const { runtime, durationMs, emit } = this.#context;
    while (!this.#stopping.signal.aborted) {
      this.#awake = new AbortController();
      try {
        await this.#takeRound(work);
      } catch (error) {
        emit({ type: "roundFailed", error });
      }
      // Not all at the same moment, however they were started.
      const pauseMs = (durationMs / BEATS_PER_DURATION) * (0.9 + runtime.random() * 0.2);
      await pause(runtime, pauseMs, this.#awake.signal);
    }
  }

  async #takeRound(work: LeasedWork): Promise<void> {
    const resources = new Set(await this.#round.look(async () => work.resources()));
    for (const [resource, { lease }] of this.#held) {
      const stored = this.#round.stored(resource);
      if (stored) lease.seen(stored);
      if (!resources.has(resource)) lease.askToFinish();
    }
    for (const resource of this.#failures.keys()) {
      if (!resources.has(resource)) this.#failures.delete(resource);
    }
    const free = [...resources].filter((resource) => !this.#held.has(resource) && !this.#isPaused(resource));
    await this.#round.take(free, this.#stopping.signal, (lease) => {
      const done = this.#workOn(lease, work).finally(() => this.#held.delete(lease.resource));
      this.#held.set(lease.resource, { lease, done });
    });
  }

  /** Never fails: what goes wrong is told as an event. */
  async #workOn(lease: HeldLease, work: LeasedWork): Promise<void> {
    const { resource, epoch } = lease;
    this.#context.emit({ type: "acquired", resource, epoch });
    const kept = lease.keep();
    if (this.#stopping.signal.aborted) lease.askToFinish();
    try {
      await work.run(lease);
      this.#failures.delete(resource);
    } catch (error) {
      // That the work stops when its lease is lost is as it should be.
      if (!(error instanceof LeaseLostError && lease.isOver)) this.#runFailed(lease, error);
    }
    if (lease.isHandOver) this.#round.handedOver(resource, epoch);
    await lease.letGo();
    await kept;
  }

  #runFailed({ resource, epoch }: HeldLease, error: unknown): void {
    const { runtime, emit } = this.#context;
    const count = (this.#failures.get(resource)?.count ?? 0) + 1;
    const pauseMs = RUN_BACKOFF.baseMs / 2 + backoffMs(count, RUN_BACKOFF, runtime.random);
    this.#failures.set(resource, { count, pausedUntil: runtime.monotonic() + pauseMs });
    emit({ type: "runFailed", resource, epoch, error, pauseMs });
  }

  #isPaused(resource: string): boolean {
    return this.#context.runtime.monotonic() < (this.#failures.get(resource)?.pausedUntil ?? 0);
  }

  async #stop(drainMs: number): Promise<void> {
    const { runtime, emit } = this.#context;
    this.#stopping.abort();
    this.#awake.abort();
    const left = this.#work && this.#round.leave().catch((error) => emit({ type: "roundFailed", error }));
    this.#askAllToFinish();
    await this.#rounds;
    this.#askAllToFinish();
    const drained = new AbortController();
    const all = Promise.all([...this.#held.values()].map(({ done }) => done)).then(() => drained.abort());
    if (await pause(runtime, drainMs, drained.signal)) {
      await Promise.all([...this.#held.values()].map(({ lease }) => lease.letGo(true)));
    } else {
      await all;
    }
    await left;
  }

  #askAllToFinish(): void {
    for (const { lease } of this.#held.values()) lease.askToFinish();
  }
}
