import { Bill } from "../capacity/units.ts";
import { VersionConflictError } from "../conflict-errors.ts";
import { OutcomeUnknownError } from "../errors.ts";
import type { EventDefinitions, NewEventOf } from "../events.ts";
import { tellRetry } from "../observe.ts";
import { backoffMs } from "../runtime.ts";
import type { CommitGroup } from "../store/write-options.ts";
import { decidedEvents, decideRound, type Round } from "./decide-round.ts";
import { CLOSE_CONFLICTS, CONFLICT_BACKOFF, type Handling } from "./handle-alone.ts";
import type { StreamView } from "./stream-view.ts";
import { type WaitingCommand, withoutAborted } from "./waiting-command.ts";

/** A stream while batches on it follow each other. */
export interface KnownStream<Definitions extends EventDefinitions, State> {
  readonly view: StreamView<Definitions, State>;
  /** The last moment at which the view's state, or an earlier one, was certain to be the stream's. */
  trueAt: number;
  readonly nextMoment: () => number;
}

/** What is left of a batch: commands to be handled in a later one, and whether the stream's state is still known. */
interface BatchEnd<Definitions extends EventDefinitions, Command, State> {
  readonly undone: readonly WaitingCommand<Definitions, Command, State>[];
  readonly isKnown: boolean;
}

/**
 * The commands of one batch: each is decided on the state after the one before, and their events are stored together.
 * No outcome is told before all the events that it may follow from are stored; after a conflict, all are decided again.
 */
export class Batch<Definitions extends EventDefinitions, Command, State> {
  readonly #handling: Handling<Definitions, Command, State>;
  readonly #stream: KnownStream<Definitions, State>;
  #commands: readonly WaitingCommand<Definitions, Command, State>[];
  /** For a negative control: what a command was decided to be the first time. */
  readonly #firstDecisions = new Map<object, readonly NewEventOf<Definitions>[]>();

  constructor(
    handling: Handling<Definitions, Command, State>,
    stream: KnownStream<Definitions, State>,
    commands: readonly WaitingCommand<Definitions, Command, State>[],
  ) {
    this.#handling = handling;
    this.#stream = stream;
    this.#commands = commands;
  }

  /** Settles the commands, but for those that have to go into a later batch. Never rejects. */
  async run(): Promise<BatchEnd<Definitions, Command, State>> {
    const { view } = this.#stream;
    const ids = this.#commands.flatMap(({ request }) => request.commitId ?? []);
    try {
      await view.search(ids);
      return await this.#handle();
    } catch (error) {
      // A read failed, so nothing is known of any of them; nothing was written.
      for (const waiting of this.#commands) waiting.reject(error);
      return { undone: [], isKnown: false };
    } finally {
      for (const id of ids) view.unwatch(id);
    }
  }

  async #handle(): Promise<BatchEnd<Definitions, Command, State>> {
    const { view } = this.#stream;
    for (let conflicts = 0; this.#commands.length > 0; ) {
      try {
        const round = await decideRound(
          { handling: this.#handling, view, firstDecisions: this.#firstDecisions },
          this.#commands,
        );
        if (round.poisonous !== undefined) {
          const { waiting, reason } = round.poisonous;
          waiting.reject(reason);
          this.#commands = this.#commands.filter((other) => other !== waiting);
        } else if (round.group !== undefined && round.version > view.version) {
          return await this.#store(round, round.group);
        } else if (await this.#isTrue()) {
          return { undone: this.#settle(round, view.takeBill()), isKnown: true };
        }
      } catch (error) {
        if (!(error instanceof VersionConflictError)) throw error;
        await this.#meetConflict(error, ++conflicts);
      }
      this.#commands = withoutAborted(this.#commands);
    }
    return { undone: [], isKnown: true };
  }

  async #store(
    round: Round<Definitions, Command, State>,
    group: CommitGroup<Definitions>,
  ): Promise<BatchEnd<Definitions, Command, State>> {
    const { view } = this.#stream;
    const { guards } = this.#handling.source;
    const fold = (snapshotVersion?: number): void =>
      view.adopt({ state: round.state, version: round.version, snapshotVersion }, decidedEvents(round));
    const snapshot = view.nextSnapshot();
    if (!guards.keepsOnlyStored) fold();
    if (!guards.waitsForStorage) this.#settleUnstored(round);
    // When the put succeeds, the stream was where the batch began at a moment after this.
    const moment = this.#stream.nextMoment();
    try {
      const results = await group.append({ snapshot });
      const bill = view.takeBill();
      for (const { capacity } of results) bill.add(capacity);
      if (guards.keepsOnlyStored) fold(results[0]?.snapshotVersion);
      this.#stream.trueAt = moment;
      return { undone: this.#settle(round, bill), isKnown: true };
    } catch (error) {
      if (error instanceof VersionConflictError) throw error;
      return { undone: this.#fail(round, error), isKnown: false };
    }
  }

  /** Tells each command its outcome. @returns those that have none */
  #settle(
    round: Round<Definitions, Command, State>,
    bill: Bill,
  ): WaitingCommand<Definitions, Command, State>[] {
    const { streamId } = this.#stream.view;
    let capacity = bill.total();
    for (const [index, outcome] of round.outcomes.entries()) {
      const waiting = this.#commands[index];
      if (outcome.kind === "refused") {
        waiting?.reject(outcome.reason);
        continue;
      }
      const { state, version, events, kind } = outcome;
      const duplicate = kind === "duplicate";
      const commitId = duplicate ? waiting?.request.commitId : events[0]?.eventId.split("/")[0];
      const attempts = waiting?.attempts ?? 0;
      waiting?.resolve({ state, streamId, version, events, commitId, duplicate, attempts, capacity });
      capacity = new Bill().total();
    }
    return this.#commands.slice(round.outcomes.length);
  }

  /**
   * Tells those whose events were to be stored; each has to ask for its own commit. The others may have followed from
   * events that are not stored.
   *
   * @returns the others
   */
  #fail(
    round: Round<Definitions, Command, State>,
    error: unknown,
  ): WaitingCommand<Definitions, Command, State>[] {
    return this.#commands.filter((waiting, index) => {
      const outcome = round.outcomes[index];
      if (outcome?.kind !== "decided" || outcome.events.length === 0) return true;
      const commitId = outcome.events[0]?.eventId.split("/")[0] ?? "";
      waiting.reject(
        error instanceof OutcomeUnknownError
          ? new OutcomeUnknownError(error.streamId, commitId, { cause: error.cause })
          : error,
      );
      return false;
    });
  }

  /** Whether the state was the stream's after the last of the commands came in; otherwise goes on to the one that is. */
  async #isTrue(): Promise<boolean> {
    const { view, trueAt, nextMoment } = this.#stream;
    if (!this.#handling.source.guards.answersByPresent) return true;
    if (this.#commands.every(({ cameAt }) => cameAt < trueAt)) return true;
    const before = view.version;
    const moment = nextMoment();
    await view.catchUp(undefined);
    this.#stream.trueAt = moment;
    return view.version === before;
  }

  async #meetConflict(error: VersionConflictError, conflicts: number): Promise<void> {
    const { view, nextMoment } = this.#stream;
    const { maxAttempts, runtime } = this.#handling;
    view.bill.add(error.capacity);
    this.#commands = this.#commands.filter((waiting) => {
      waiting.conflicts += 1;
      if (waiting.conflicts < maxAttempts) {
        tellRetry(waiting.request.observation, waiting.conflicts, error);
        return true;
      }
      waiting.reject(error);
      return false;
    });
    if (this.#commands.length === 0 || (conflicts <= CLOSE_CONFLICTS && view.foldWinner(error))) return;
    await runtime.sleep(backoffMs(conflicts, CONFLICT_BACKOFF, runtime.random));
    const moment = nextMoment();
    await view.catchUp(undefined);
    this.#stream.trueAt = moment;
  }

  /** For a negative control: tells what followed from events before they are stored. */
  #settleUnstored(round: Round<Definitions, Command, State>): void {
    for (const [index, outcome] of round.outcomes.entries()) {
      if (outcome.kind === "refused") this.#commands[index]?.reject(outcome.reason);
    }
  }
}
