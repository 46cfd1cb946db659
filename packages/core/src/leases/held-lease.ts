import { UncertainWriteError } from "../chain/storage.ts";
import type { ControlStorage, ControlUpdate } from "../control/control-storage.ts";
import { type UpdateInput, updateInput } from "../dynamodb/control-storage.ts";
import { LeaseLostError } from "../errors.ts";
import { backoffMs, pause, type Runtime } from "../runtime.ts";
import { attempt, attemptWrite } from "./attempt.ts";
import type { Lease } from "./lease.ts";
import type { LeaseEvent } from "./lease-event.ts";
import {
  beatUpdate,
  fenceUpdate,
  type Holding,
  leaseKey,
  type LeaseMove,
  readLease,
  releaseUpdate,
  showsBeat,
  type StoredLease,
} from "./lease-item.ts";
import type { LeaseGuards } from "./next-action.ts";

/** What all leases of one worker have in common. */
export interface LeaseContext {
  readonly storage: ControlStorage;
  readonly group: string;
  readonly worker: string;
  readonly durationMs: number;
  readonly runtime: Runtime;
  readonly guards: LeaseGuards;
  readonly emit: (event: LeaseEvent) => void;
}

/** Renewals, attempts and rounds for each time that a lease lasts. */
export const BEATS_PER_DURATION = 3;

const RESEND_BACKOFF = { baseMs: 25, maxMs: 1_000 };
const MAX_RELEASE_SENDS = 3;

/** A lease of this process. Its writes go one after the other; each expects the beat of the one before it. */
export class HeldLease implements Lease {
  readonly resource: string;
  readonly epoch: number;
  readonly #context: LeaseContext;
  readonly #holding: Holding;
  readonly #lost = new AbortController();
  readonly #release = new AbortController();
  #position: string | undefined;
  #beat: number;
  /** When the request began that was the last to succeed, by the own monotonic clock. */
  #heldSince: number;
  #nextBeatAt: number;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #isHandOver = false;

  constructor(
    context: LeaseContext,
    resource: string,
    claimed: StoredLease & { readonly heldSince: number },
  ) {
    this.resource = resource;
    this.epoch = claimed.epoch;
    this.#context = context;
    this.#holding = {
      key: leaseKey(context.group, resource),
      owner: context.worker,
      epoch: claimed.epoch,
    };
    this.#position = claimed.position;
    this.#beat = claimed.beat;
    this.#heldSince = claimed.heldSince;
    this.#nextBeatAt = claimed.heldSince + this.#beatMs;
  }

  get position(): string | undefined {
    return this.#position;
  }

  get lost(): AbortSignal {
    this.#lookAtClock();
    return this.#lost.signal;
  }

  get release(): AbortSignal {
    return this.#release.signal;
  }

  /** Whether another member asked for it. */
  get isHandOver(): boolean {
    return this.#isHandOver;
  }

  async commit(position: string): Promise<void> {
    if (typeof position !== "string") throw new TypeError(`A position is a string, not ${String(position)}.`);
    await this.#write({ position });
  }

  async finish(position: string): Promise<void> {
    await this.#write({ position, finishedAt: this.#context.runtime.now() });
  }

  fence(position: string): UpdateInput {
    return updateInput(this.#context.storage.tableName, this.fenceUpdate(position));
  }

  fenceUpdate(position: string): ControlUpdate {
    this.#throwIfLost(false);
    return fenceUpdate(this.#holding, this.#position, position);
  }

  moved(position: string): void {
    this.#position = position;
  }

  async settle(): Promise<string | undefined> {
    this.#throwIfLost(true);
    const { runtime, storage, worker } = this.#context;
    const limits = { timeoutMs: this.#beatMs, signal: this.#lost.signal };
    const item = await attempt(runtime, limits, (signal) => storage.find(this.#holding.key, signal));
    if (item?.["owner"] !== worker || item["epoch"] !== this.epoch) this.#lose("taken");
    this.#throwIfLost(true);
    this.#position = item && readLease(item).position;
    return this.#position;
  }

  /** Renews the lease until it is lost or let go. */
  async keep(): Promise<void> {
    await Promise.all([this.#renew(), this.#watch()]);
  }

  /** Takes in what the group's round saw of it. */
  seen(stored: StoredLease): void {
    if (stored.epoch > this.epoch) this.#lose("taken");
    else if (stored.epoch === this.epoch) this.#noticeWish(stored.wanted);
  }

  askToFinish(): void {
    this.#release.abort();
  }

  /** Whether it was lost, or given back. */
  get isOver(): boolean {
    return this.lost.aborted;
  }

  /** Ends it, so that anybody may take it at once. A write that is still under way is given up if `isUrgent`. */
  async letGo(isUrgent = false): Promise<void> {
    // Writes have a bound: the time that the lease lasts.
    if (!isUrgent) await this.#lastWrite;
    if (this.isOver) return;
    this.#lost.abort();
    const { emit, runtime, storage } = this.#context;
    for (let send = 1; ; send++) {
      try {
        const update = releaseUpdate(this.#holding);
        await attemptWrite(runtime, { timeoutMs: this.#beatMs }, (signal) => storage.update(update, signal));
        emit({ type: "released", resource: this.resource, epoch: this.epoch });
        return;
      } catch (error) {
        if (send < MAX_RELEASE_SENDS && error instanceof UncertainWriteError) continue;
        // The others wait until it is over.
        emit({ type: "requestFailed", resource: this.resource, epoch: this.epoch, error });
        return;
      }
    }
  }

  get #beatMs(): number {
    return this.#context.durationMs / BEATS_PER_DURATION;
  }

  async #renew(): Promise<void> {
    const { runtime, emit } = this.#context;
    while (await pause(runtime, this.#nextBeatAt - runtime.monotonic(), this.#lost.signal)) {
      // A commit is a heartbeat.
      if (runtime.monotonic() < this.#nextBeatAt) continue;
      try {
        await this.#write(undefined);
      } catch (error) {
        if (error instanceof LeaseLostError) return;
        emit({ type: "requestFailed", resource: this.resource, epoch: this.epoch, error });
        this.#nextBeatAt = runtime.monotonic() + this.#beatMs / 2;
      }
    }
  }

  /** A request may hang: the clock is watched apart from them. */
  async #watch(): Promise<void> {
    const { runtime, durationMs, guards } = this.#context;
    while (
      guards.watchesClock &&
      (await pause(runtime, this.#heldSince + durationMs - runtime.monotonic(), this.#lost.signal))
    ) {
      this.#lookAtClock();
    }
  }

  #lookAtClock(): void {
    const { runtime, durationMs, guards } = this.#context;
    if (!guards.watchesClock || runtime.monotonic() - this.#heldSince < durationMs) return;
    this.#lose("expired");
  }

  #write(move: LeaseMove | undefined): Promise<void> {
    const sent = this.#lastWrite.then(() => this.#sendUntilCertain(move));
    // Whoever asked for it is told of its failure; the next write only waits for its end.
    this.#lastWrite = sent.catch(() => undefined);
    return sent;
  }

  async #sendUntilCertain(move: LeaseMove | undefined): Promise<void> {
    const { runtime, storage } = this.#context;
    const update = beatUpdate(this.#holding, { beat: this.#beat, position: this.#position }, move);
    const startedAt = runtime.monotonic();
    let mayBeWritten = false;
    for (let send = 1; ; send++) {
      this.#throwIfLost(mayBeWritten);
      try {
        const limits = { timeoutMs: this.#beatMs, signal: this.#lost.signal };
        const outcome = await attemptWrite(runtime, limits, (signal) => storage.update(update, signal));
        if (outcome.applied || showsBeat(outcome.item, this.#holding, this.#beat + 1)) {
          return this.#wrote(startedAt, move?.position, outcome.item?.["wanted"]);
        }
        this.#lose("taken");
        throw this.#lostError(mayBeWritten || outcome.resent);
      } catch (error) {
        const isUncertain = error instanceof UncertainWriteError;
        if (!isUncertain && !mayBeWritten) throw error;
        if (error instanceof LeaseLostError) throw error;
        mayBeWritten ||= isUncertain && error.mayBeWritten;
        // Bounded by the time that the lease lasts.
        await pause(runtime, backoffMs(send, RESEND_BACKOFF, runtime.random), this.#lost.signal);
      }
    }
  }

  #wrote(startedAt: number, position: string | undefined, wanted: unknown): void {
    this.#beat += 1;
    this.#position = position ?? this.#position;
    this.#heldSince = startedAt;
    this.#nextBeatAt = startedAt + this.#beatMs;
    this.#noticeWish(wanted);
  }

  #noticeWish(wanted: unknown): void {
    if (wanted === undefined || wanted === this.#context.worker) return;
    this.#isHandOver = true;
    this.#release.abort();
  }

  #lose(reason: "taken" | "expired"): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort();
    this.#context.emit({ type: "lost", resource: this.resource, epoch: this.epoch, reason });
  }

  #throwIfLost(mayBeWritten: boolean): void {
    if (this.isOver) throw this.#lostError(mayBeWritten);
  }

  #lostError(mayBeWritten: boolean): LeaseLostError {
    const { group } = this.#context;
    return new LeaseLostError({ group, resource: this.resource, epoch: this.epoch, mayBeWritten });
  }
}
