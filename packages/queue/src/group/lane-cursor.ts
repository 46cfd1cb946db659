import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { type ControlStorage, type Lease, UncertainWriteError } from "@tuppence/core/leases";
import { type Attempts, WorkEndedError, tryUntilDone } from "@tuppence/core/failures";
import type { GroupGuards } from "./group-guards.ts";
import { encodeLaneState, type LaneState } from "./lane-state.ts";

/** The state of a lane as its owner moves it: stored in the lease, which fences every move. */
export class LaneCursor {
  readonly #lease: Lease;
  readonly #control: ControlStorage;
  readonly #attempts: Attempts;
  readonly #guards: Pick<GroupGuards, "fences">;
  readonly #onMoved: (state: LaneState) => void;
  #state: LaneState;
  #stored: LaneState;
  #staleSince: number | undefined;

  constructor(
    means: {
      readonly lease: Lease;
      readonly control: ControlStorage;
      /** Of moves; they end when the lease is lost only. */
      readonly attempts: Attempts;
      readonly onMoved: (state: LaneState) => void;
      readonly guards: Pick<GroupGuards, "fences">;
    },
    state: LaneState,
  ) {
    this.#lease = means.lease;
    this.#control = means.control;
    this.#attempts = { ...means.attempts, maxAttempts: 1 };
    this.#guards = means.guards;
    this.#onMoved = means.onMoved;
    this.#state = this.#stored = state;
  }

  /** What is done; what is stored may be behind, never ahead. */
  get state(): LaneState {
    return this.#state;
  }

  /** Whether all that is done is stored. */
  get isStored(): boolean {
    return this.#state === this.#stored;
  }

  /** How long ago what is stored was current, in ms; 0 when it is. */
  get staleMs(): number {
    return this.#staleSince === undefined ? 0 : this.#attempts.runtime.monotonic() - this.#staleSince;
  }

  /** Says what is done by now; it is stored later. */
  reached(state: LaneState): void {
    if (state.done === this.#state.done && state.parked === this.#state.parked) return;
    this.#state = state;
    this.#staleSince ??= this.#attempts.runtime.monotonic();
  }

  /** Moves to a state, and stores it. @throws LeaseLostError when another process owns the lane by now. */
  async move(state: LaneState): Promise<void> {
    await tryUntilDone(this.#attempts, () => this.#lease.commit(encodeLaneState(state)));
    this.#moved(state);
  }

  /** Stores what is done, if it is not stored yet. */
  async store(): Promise<void> {
    if (!this.isStored) await this.move(this.#state);
  }

  /**
   * Makes writes and moves to a state, all or nothing and once: a lost reply is settled by looking at what is stored. Answers
   * which writes were refused by their conditions; none when all was done.
   *
   * @throws LeaseLostError when another process owns the lane by now.
   */
  async moveWith(state: LaneState, writes: readonly TransactWriteItem[]): Promise<readonly number[]> {
    const refused = await tryUntilDone(this.#attempts, () => this.#transact(state, writes));
    if (refused.length === 0) this.#moved(state);
    return refused;
  }

  async #transact(state: LaneState, writes: readonly TransactWriteItem[]): Promise<readonly number[]> {
    const position = encodeLaneState(state);
    const fence = this.#lease.fenceUpdate(position);
    const own = this.#guards.fences ? fence : { ...fence, where: {} };
    const outcome = await this.#control.transact([own], writes);
    if (outcome.applied) {
      this.#lease.moved(position);
      return [];
    }
    if (!outcome.refused.includes(0)) return outcome.refused.map((index) => index - 1);
    // An earlier send of this very move was made, or the lane belongs to somebody else.
    const settled = await this.#lease.settle();
    if (settled === position) return [];
    // A send of before that was taken to be lost has arrived after all: the work begins anew, from what is stored.
    if (settled !== encodeLaneState(this.#stored)) throw new WorkEndedError();
    const cause = new Error(`The lane is at ${settled}.`);
    throw new UncertainWriteError({ mayBeWritten: false, cause });
  }

  #moved(state: LaneState): void {
    this.#state = this.#stored = state;
    this.#staleSince = undefined;
    this.#onMoved(state);
  }
}
