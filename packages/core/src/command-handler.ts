import { Bill, type Capacity } from "./capacity/units.ts";
import { VersionConflictError } from "./errors.ts";
import type {
  EventDefinitions,
  EventMetadata,
  EventOf,
  NewEvent,
  NewEventOf,
  RecordedEventOf,
} from "./events.ts";
import { backoffMs, type Runtime, SYSTEM_RUNTIME } from "./runtime.ts";
import type { AppendResult, EventStore } from "./store/event-store.ts";

/** The rules of a domain as pure functions: which events a command leads to, and what events do to the state. */
export interface Decider<Command, State, Event extends NewEvent> {
  readonly initialState: () => State;
  readonly evolve: (state: State, event: Event) => State;
  /** The events that follow from the command, none if nothing does. Throws when the state does not allow it. */
  readonly decide: (command: Command, state: State) => Event | readonly Event[];
}

/** How often a command is decided again after conflicts, by default. */
export const DEFAULT_MAX_ATTEMPTS = 30;

/** Conflicts after which the winner's events are enough. After more, others are many: wait, and read what they wrote. */
const CLOSE_CONFLICTS = 2;
const CONFLICT_BACKOFF = { baseMs: 10, maxMs: 500 };

export interface CommandHandlerOptions<Definitions extends EventDefinitions, Command, State> {
  readonly store: EventStore<Definitions>;
  /** As a `Decider`; `decide` may also answer later. */
  readonly decider: {
    readonly initialState: () => State;
    readonly evolve: (state: State, event: RecordedEventOf<Definitions>) => State;
    readonly decide: (
      command: Command,
      state: State,
    ) => Decided<DecidedEventOf<Definitions>> | Promise<Decided<DecidedEventOf<Definitions>>>;
  };
  /** How often a command is decided at most before its conflict is given to the caller. Default 30. */
  readonly maxAttempts?: number | undefined;
  readonly runtime?: Pick<Runtime, "random" | "sleep"> | undefined;
}

type Decided<Event> = Event | readonly Event[];

/** A decider over `EventOf` names the system's events with its own; append refuses one that decides them. */
type DecidedEventOf<Definitions extends EventDefinitions> =
  | NewEventOf<Definitions>
  | Extract<EventOf<Definitions>, { readonly type: `$${string}` }>;

export interface HandleOptions {
  /**
   * An id of your own for the command, so that it can be sent again: if its commit is in the stream, nothing is
   * decided and the result of the first time comes back with `duplicate: true`. Costs nothing more.
   */
  readonly commitId?: string | undefined;
  /** Metadata for all events decided. */
  readonly metadata?: EventMetadata | undefined;
  /** The version that the stream has to have now, as a caller saw it (an HTTP If-Match). Default: any. */
  readonly expectedVersion?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HandleResult<Definitions extends EventDefinitions, State> {
  /** The state after the events. */
  readonly state: State;
  /** The version of the stream after them. */
  readonly version: number;
  /** The events that were decided and stored; empty when nothing was decided. */
  readonly events: readonly RecordedEventOf<Definitions>[];
  /** Undefined when nothing was decided. */
  readonly commitId: string | undefined;
  /** Whether the command's commit had been stored before. */
  readonly duplicate: boolean;
  /** How often the command was decided. */
  readonly attempts: number;
  readonly capacity: Capacity;
}

/** Handles one command on one stream: load, decide, append. */
export type CommandHandler<Definitions extends EventDefinitions, Command, State> = (
  streamId: string,
  command: Command,
  options?: HandleOptions,
) => Promise<HandleResult<Definitions, State>>;

/**
 * Makes a function that loads a stream's state, lets the decider decide, and appends what it decided if the stream
 * is still where it was. When another append was faster, its events, which came back with the refusal, are folded
 * and the command is decided again at once; from the third time on after a jittered pause and a read of what is new. A
 * decision for nothing appends nothing.
 *
 * Cost without a conflict: that of the load and 1 append; each conflict 1 append more, from the third on also 1 read.
 *
 * The handler rejects with what `decide` throws, with what `load` and `append` reject with, and with
 * `VersionConflictError` after `maxAttempts` or when `expectedVersion` is not the stream's.
 */
export function createCommandHandler<Definitions extends EventDefinitions, Command, State>(
  options: CommandHandlerOptions<Definitions, Command, State>,
): CommandHandler<Definitions, Command, State> {
  const { maxAttempts = DEFAULT_MAX_ATTEMPTS } = options;
  if (!(Number.isSafeInteger(maxAttempts) && maxAttempts >= 1)) {
    throw new RangeError(`maxAttempts is ${String(maxAttempts)}; it has to be a whole number from 1.`);
  }
  return (streamId, command, handleOptions = {}) =>
    new Handling(options, streamId, handleOptions).run(command, maxAttempts);
}

/** One command on its way: what is known of the stream so far. */
class Handling<Definitions extends EventDefinitions, Command, State> {
  readonly #options: CommandHandlerOptions<Definitions, Command, State>;
  readonly #streamId: string;
  readonly #request: HandleOptions;
  readonly #bill = new Bill();
  #state: State;
  #version = 0;
  /** Events of the command's own commit, when it is met in the stream. */
  readonly #own: RecordedEventOf<Definitions>[] = [];

  constructor(
    options: CommandHandlerOptions<Definitions, Command, State>,
    streamId: string,
    request: HandleOptions,
  ) {
    this.#options = options;
    this.#streamId = streamId;
    this.#request = request;
    this.#state = options.decider.initialState();
  }

  async run(command: Command, maxAttempts: number): Promise<HandleResult<Definitions, State>> {
    const { store, decider, runtime = SYSTEM_RUNTIME } = this.#options;
    await this.#catchUp();
    for (let attempt = 1; ; attempt++) {
      if (this.#own.length > 0)
        return this.#result({ events: this.#own, duplicate: true, attempts: attempt - 1 });
      this.#checkExpected();
      const decided = await decider.decide(command, this.#state);
      const events = Array.isArray(decided)
        ? (decided as readonly NewEventOf<Definitions>[])
        : [decided as NewEventOf<Definitions>];
      if (events.length === 0) return this.#result({ events: [], duplicate: false, attempts: attempt });
      const { metadata, signal, commitId } = this.#request;
      try {
        const appended = await store.append(this.#streamId, events, {
          expectedVersion: this.#version,
          metadata,
          signal,
          commitId,
        });
        return this.#appended(appended, attempt);
      } catch (error) {
        if (!(error instanceof VersionConflictError) || attempt === maxAttempts) throw error;
        this.#bill.add(error.capacity);
        if (attempt <= CLOSE_CONFLICTS && this.#foldWinner(error)) continue;
        await runtime.sleep(backoffMs(attempt, CONFLICT_BACKOFF, runtime.random), signal);
        await this.#catchUp();
      }
    }
  }

  /** Folds what the stream holds after the version reached so far: all of it, the first time. */
  async #catchUp(): Promise<void> {
    const { store, decider } = this.#options;
    const { state, version, capacity } = await store.load(
      this.#streamId,
      { initialState: decider.initialState, evolve: (folded, event) => this.#evolve(folded, event) },
      { from: { state: this.#state, version: this.#version }, signal: this.#request.signal },
    );
    this.#state = state;
    this.#version = version;
    this.#bill.add(capacity);
  }

  #evolve(state: State, event: RecordedEventOf<Definitions>): State {
    const { commitId } = this.#request;
    if (commitId !== undefined && event.eventId.startsWith(`${commitId}/`)) this.#own.push(event);
    return this.#options.decider.evolve(state, event);
  }

  /** Folds the commit that a conflict brought back, if it follows on what is known. */
  #foldWinner({ winningCommit: winner }: VersionConflictError): boolean {
    if (winner?.firstVersion !== this.#version + 1) return false;
    this.#fold(winner.events);
    return true;
  }

  #fold(events: readonly RecordedEventOf<Definitions>[]): void {
    for (const event of events) {
      this.#state = this.#evolve(this.#state, event);
      this.#version = event.version;
    }
  }

  #checkExpected(): void {
    const { expectedVersion: expected } = this.#request;
    if (expected === undefined || expected === this.#version) return;
    throw new VersionConflictError({
      streamId: this.#streamId,
      expected,
      actual: this.#version,
      capacity: this.#bill.total(),
    });
  }

  #appended(appended: AppendResult<Definitions>, attempts: number): HandleResult<Definitions, State> {
    this.#bill.add(appended.capacity);
    this.#fold(appended.events);
    return this.#result({ events: appended.events, duplicate: appended.duplicate, attempts });
  }

  #result(result: {
    readonly events: readonly RecordedEventOf<Definitions>[];
    readonly duplicate: boolean;
    readonly attempts: number;
  }): HandleResult<Definitions, State> {
    const { events, duplicate, attempts } = result;
    return {
      state: this.#state,
      version: this.#version,
      events,
      commitId: events[0]?.eventId.split("/")[0],
      duplicate,
      attempts,
      capacity: this.#bill.total(),
    };
  }
}
