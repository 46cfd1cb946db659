import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Runtime } from "@tuppence/core";
import { type ControlChange, type Lease, UncertainWriteError } from "@tuppence/core/leases";
import type { DocumentPut, ProjectionStorage } from "../storage/projection-storage.ts";
import { tryUntilDone, type Attempts } from "@tuppence/core/failures";

/** What goes into one transaction with a position. */
export interface PositionMove {
  /** Everything up to here is done with it; the present position, to move nothing. */
  readonly to: number;
  readonly control?: readonly ControlChange[] | undefined;
  readonly documents?: readonly DocumentPut[] | undefined;
  readonly writes?: readonly TransactWriteItem[] | undefined;
}

/** What was refused of a move; undefined when it was made. */
export interface RefusedMove {
  readonly control: readonly number[];
  readonly documents: readonly number[];
  readonly writes: readonly number[];
}

/**
 * Up to where a slot is done, and up to where that is stored: in its lease, which fences every move. What is stored may be behind,
 * never ahead.
 */
export class SlotPosition {
  readonly #lease: Lease;
  readonly #storage: ProjectionStorage;
  readonly #attempts: Attempts;
  readonly #runtime: Runtime;
  readonly #fences: boolean;
  #done: number;
  #stored: number;
  #storedAt: number;

  constructor(context: {
    readonly lease: Lease;
    readonly storage: ProjectionStorage;
    readonly attempts: Attempts;
    readonly fences: boolean;
    /** Where it begins when nothing is stored yet. */
    readonly startPosition: number;
  }) {
    this.#lease = context.lease;
    this.#storage = context.storage;
    this.#attempts = { ...context.attempts, maxAttempts: 1 };
    this.#runtime = context.attempts.runtime;
    this.#fences = context.fences;
    const stored = context.lease.position;
    this.#done = this.#stored = stored === undefined ? context.startPosition : Number(stored);
    this.#storedAt = this.#runtime.monotonic();
  }

  /** Everything up to here is done. */
  get done(): number {
    return this.#done;
  }

  /** Says that everything up to a position is done; it is stored later. */
  reached(position: number): void {
    this.#done = Math.max(this.#done, position);
  }

  /** A position that somebody else keeps says more, or less, than this one. */
  set(position: number): void {
    this.#done = position;
  }

  /** Whether all that is done is stored. */
  get isStored(): boolean {
    return this.#done <= this.#stored;
  }

  /** How long ago what is stored was current, in ms; 0 when it is, or was a moment ago. */
  get staleMs(): number {
    return this.isStored ? 0 : this.#runtime.monotonic() - this.#storedAt;
  }

  /** Stores what is done, if it is not stored yet. */
  async store(): Promise<void> {
    const { done } = this;
    if (this.isStored) return;
    await tryUntilDone(this.#attempts, () => this.#lease.commit(String(done)));
    this.#moved(done);
  }

  /**
   * Makes writes and moves the position, all or nothing and once: a lost reply is settled by looking at the position, or at the
   * condition of what is taken away.
   *
   * @throws LeaseLostError when another process owns the slot by now.
   */
  async move({
    to,
    control = [],
    documents = [],
    writes = [],
  }: PositionMove): Promise<RefusedMove | undefined> {
    const refused = await tryUntilDone(this.#attempts, () => this.#send({ to, control, documents, writes }));
    if (refused === undefined) {
      if (to > this.#stored) this.#moved(to);
      this.reached(to);
    }
    return refused;
  }

  async #send({ to, control = [], documents, writes }: PositionMove): Promise<RefusedMove | undefined> {
    const position = to > this.#stored ? String(to) : undefined;
    const fence = this.#lease.fenceUpdate(position ?? this.#lease.position ?? String(this.#stored));
    const own = this.#fences ? fence : { ...fence, where: {} };
    const outcome = await this.#storage.transact({ control: [own, ...control], documents, writes });
    if (outcome.applied) {
      this.#lease.moved(String(fence.set["position"]));
      return undefined;
    }
    if (outcome.refused.includes(0)) {
      // An earlier send of this very move was made, or the lease belongs to somebody else.
      const settled = await this.#lease.settle();
      if (position !== undefined && settled === position) return undefined;
      const cause = new Error(`The position is ${settled}.`);
      throw new UncertainWriteError({ mayBeWritten: false, cause });
    }
    const of = (from: number, count: number): readonly number[] =>
      outcome.refused.filter((index) => index >= from && index < from + count).map((index) => index - from);
    const documentCount = documents?.length ?? 0;
    return {
      control: of(1, control.length),
      documents: of(1 + control.length, documentCount),
      writes: of(1 + control.length + documentCount, writes?.length ?? 0),
    };
  }

  #moved(position: number): void {
    this.#stored = position;
    this.#storedAt = this.#runtime.monotonic();
  }
}
