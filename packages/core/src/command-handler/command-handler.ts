import type { Capacity } from "../capacity/units.ts";
import { parseCommitId } from "../commit-id.ts";
import type { EventDefinitions, EventMetadata, EventOf, NewEventOf, RecordedEventOf } from "../events.ts";
import { observe } from "../observe.ts";
import type { Observer } from "../observer.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import { cachedStates, createStateCache, type StateCache } from "../state-cache.ts";
import type { EventStore } from "../store/event-store.ts";
import { CommandBatches } from "./command-batches.ts";
import { HANDLER_GUARDS, type HandlerGuards } from "./guards.ts";
import type { SnapshotPolicy } from "../store/snapshot.ts";
import { handleAlone, type Request } from "./handle-alone.ts";

/** How often a command is decided again after conflicts, by default. */
export const DEFAULT_MAX_ATTEMPTS = 30;

export interface CommandHandlerOptions<Definitions extends EventDefinitions, Command, State> {
  readonly store: EventStore<Definitions>;
  /** As a `Decider`; `decide` may also answer later. */
  readonly decider: {
    readonly initialState: () => State;
    readonly evolve: (state: State, event: RecordedEventOf<Definitions>) => State;
    readonly snapshot?: SnapshotPolicy<State> | undefined;
    readonly decide: (
      command: Command,
      state: State,
    ) => Decided<DecidedEventOf<Definitions>> | Promise<Decided<DecidedEventOf<Definitions>>>;
  };
  /**
   * States to go on from, so that a load reads only what is new: from `createStateCache()`, for this store and this
   * decider alone. Default: none, and every command loads the whole stream.
   */
  readonly cache?: StateCache<State> | undefined;
  /**
   * Handles the commands of this process on one stream in batches: while one is being stored, the commands that come in
   * wait, and then are decided one after the other, each on the state after the one before, and stored in one item.
   * Each keeps its own commit id, metadata and result. States are kept in `cache`, or in a cache of its own. Default:
   * false, and concurrent commands on one stream race for the next place in it.
   */
  readonly batch?: boolean | undefined;
  /** How often a command is decided at most before its conflict is given to the caller. Default 30. */
  readonly maxAttempts?: number | undefined;
  readonly runtime?: Pick<Runtime, "random" | "sleep"> | undefined;
  /** Sees each command and each decision. What the store does for them is seen by the store's observer. Default: none. */
  readonly observer?: Observer | undefined;
}

/** A decider over `EventOf` names the system's events with its own; append refuses one that decides them. */
export type DecidedEventOf<Definitions extends EventDefinitions> =
  | NewEventOf<Definitions>
  | Extract<EventOf<Definitions>, { readonly type: `$${string}` }>;

/** What `decide` answers. */
export type Decided<Event> = Event | readonly Event[];

export interface HandleOptions {
  /**
   * An id of your own for the command, so that it can be sent again: if its commit is in the stream, nothing is
   * decided, and its events come back with `duplicate: true`, beside the state and version that the stream has now. Without a `cache` the whole stream is read,
   * whatever snapshots there are. With one, only a command that was indeed handled before reads the whole stream, and one on a stream of more
   * commits than the cache remembers.
   */
  readonly commitId?: string | undefined;
  /** Metadata for all events decided. */
  readonly metadata?: EventMetadata | undefined;
  /**
   * The version that the stream has to have now, as a caller saw it (an HTTP If-Match). Default: any.
   * In a batch it is compared with the version that the commands before it in the batch lead to.
   */
  readonly expectedVersion?: number | undefined;
  /** Gives up. In a batch: takes the command back unless it is being stored; what is being stored stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface HandleResult<Definitions extends EventDefinitions, State> {
  /** The state after the events; of a duplicate, the present one. */
  readonly state: State;
  readonly streamId: string;
  /** The version of the stream after them; of a duplicate, the present one. */
  readonly version: number;
  /** The events that were decided and stored; empty when nothing was decided. */
  readonly events: readonly RecordedEventOf<Definitions>[];
  /** Undefined when nothing was decided. */
  readonly commitId: string | undefined;
  /** Whether the command's commit had been stored before. */
  readonly duplicate: boolean;
  /** How often the command was decided. */
  readonly attempts: number;
  /** What was consumed. For commands of one batch it is counted at the first of them that succeeds. */
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
 * With a `cache`, loading reads only what is new. With `batch`, commands that wait for each other share one load, or
 * none, and one append. One that is refused or leads to nothing is told so once the events it was decided on are stored.
 *
 * The handler rejects with what `decide` throws, with what `load` and `append` reject with, and with
 * `VersionConflictError` after `maxAttempts` or when `expectedVersion` is not the stream's.
 */
export function createCommandHandler<Definitions extends EventDefinitions, Command, State>(
  options: CommandHandlerOptions<Definitions, Command, State>,
): CommandHandler<Definitions, Command, State> {
  return createGuardedCommandHandler(options, HANDLER_GUARDS);
}

/** The command handler with guards to switch off, for tests. */
export function createGuardedCommandHandler<Definitions extends EventDefinitions, Command, State>(
  options: CommandHandlerOptions<Definitions, Command, State>,
  guards: HandlerGuards,
): CommandHandler<Definitions, Command, State> {
  const {
    store,
    decider,
    maxAttempts = DEFAULT_MAX_ATTEMPTS,
    runtime = SYSTEM_RUNTIME,
    batch = false,
  } = options;
  if (!(Number.isSafeInteger(maxAttempts) && maxAttempts >= 1)) {
    throw new RangeError(`maxAttempts is ${String(maxAttempts)}; it has to be a whole number from 1.`);
  }
  const given = batch ? (options.cache ?? createStateCache<State>()) : options.cache;
  const cache = given && cachedStates(given);
  const source = { store, decider, cache, guards, claimed: false };
  const handling = { options, source, maxAttempts, runtime };
  const batches = batch ? new CommandBatches(handling) : undefined;
  const handle = async (streamId: string, command: Command, request: Request) => {
    if (request.commitId !== undefined) parseCommitId(request.commitId);
    if (batches !== undefined) return batches.handle(streamId, { command, request });
    return handleAlone(handling, streamId, { command, request });
  };
  const { observer } = options;
  if (observer === undefined) {
    return (streamId, command, request = {}) => handle(streamId, command, request);
  }
  return (streamId, command, request = {}) =>
    observe(
      observer,
      { name: "handle", streamId, expectedVersion: request.expectedVersion },
      {
        work: async (bill, observation) => {
          if (batches === undefined) return handle(streamId, command, { ...request, bill, observation });
          const result = await handle(streamId, command, { ...request, observation });
          bill.add(result.capacity);
          return result;
        },
        facts: ({ events, version, duplicate, attempts }) => ({
          events: events.length,
          version,
          duplicate,
          attempts,
        }),
      },
    );
}
