import { Bill } from "../capacity/units.ts";
import { VersionConflictError } from "../conflict-errors.ts";
import type { EventDefinitions, NewEventOf, RecordedEventOf } from "../events.ts";
import type { CommitGroup } from "../store/write-options.ts";
import type { HandleOptions } from "./command-handler.ts";
import { asList, decide, type Handling } from "./handle-alone.ts";
import type { StreamView } from "./stream-view.ts";
import type { WaitingCommand } from "./waiting-command.ts";

/** What a command came to, if the batch is stored. */
export type Outcome<Definitions extends EventDefinitions, State> =
  | { readonly kind: "refused"; readonly reason: unknown }
  | {
      readonly kind: "decided" | "duplicate";
      readonly state: State;
      readonly version: number;
      readonly events: readonly RecordedEventOf<Definitions>[];
    };

/** The commands of a batch decided one after the other. */
export interface Round<Definitions extends EventDefinitions, Command, State> {
  readonly commands: readonly WaitingCommand<Definitions, Command, State>[];
  /** Those of the first commands; the others did not fit into the group any more. */
  readonly outcomes: Outcome<Definitions, State>[];
  /** Undefined when nothing is to be stored. */
  group: CommitGroup<Definitions> | undefined;
  state: State;
  version: number;
  /** A command whose events `evolve` throws at: nothing may follow from them, and they must not be stored. */
  poisonous?: { readonly waiting: WaitingCommand<Definitions, Command, State>; readonly reason: unknown };
}

/** What deciding takes besides the commands. */
export interface RoundContext<Definitions extends EventDefinitions, Command, State> {
  readonly handling: Handling<Definitions, Command, State>;
  readonly view: StreamView<Definitions, State>;
  /** For a negative control: what a command was decided to be the first time. */
  readonly firstDecisions: Map<object, readonly NewEventOf<Definitions>[]>;
}

/** Decides the commands in their order, until one does not fit any more. Nothing is stored. */
export async function decideRound<Definitions extends EventDefinitions, Command, State>(
  context: RoundContext<Definitions, Command, State>,
  commands: readonly WaitingCommand<Definitions, Command, State>[],
): Promise<Round<Definitions, Command, State>> {
  const { handling, view } = context;
  const { store, decider } = handling.options;
  const { state, version } = view;
  const round: Round<Definitions, Command, State> = {
    commands,
    outcomes: [],
    group: undefined,
    state,
    version,
  };
  for (const waiting of commands) {
    const events = await decideOne(context, waiting, round);
    if (!Array.isArray(events)) {
      round.outcomes.push(events as Outcome<Definitions, State>);
      continue;
    }
    round.group ??= await store.openGroup(view.streamId, { expectedVersion: view.version });
    const recorded = await addTo(round.group, events as readonly NewEventOf<Definitions>[], waiting.request);
    // It does not fit beside the others: it is decided again in the next batch.
    if (recorded === undefined) break;
    if ("reason" in recorded) {
      round.outcomes.push(recorded);
      continue;
    }
    try {
      for (const event of recorded) round.state = decider.evolve(round.state, event);
    } catch (reason) {
      return { ...round, poisonous: { waiting, reason } };
    }
    round.version = recorded.at(-1)?.version ?? round.version;
    round.outcomes.push({ kind: "decided", state: round.state, version: round.version, events: recorded });
  }
  return round;
}

/** The events that a command leads to, or what it came to without any. */
async function decideOne<Definitions extends EventDefinitions, Command, State>(
  { handling, view, firstDecisions }: RoundContext<Definitions, Command, State>,
  waiting: WaitingCommand<Definitions, Command, State>,
  round: Round<Definitions, Command, State>,
): Promise<Outcome<Definitions, State> | readonly NewEventOf<Definitions>[]> {
  const { state, version } = round;
  const { commitId, expectedVersion: expected } = waiting.request;
  const own = ownEvents(view, commitId, round);
  if (own !== undefined) return { kind: "duplicate", state, version, events: own };
  if (expected !== undefined && expected !== version) {
    const capacity = new Bill().total();
    const { streamId } = view;
    return {
      kind: "refused",
      reason: new VersionConflictError({ streamId, expected, actual: version, capacity }),
    };
  }
  const { decidesAgain } = handling.source.guards;
  const first = decidesAgain ? undefined : firstDecisions.get(waiting);
  if (first !== undefined) return first;
  waiting.attempts += 1;
  try {
    const events = asList<Definitions>(
      await decide(handling, { streamId: view.streamId, state }, waiting.command),
    );
    if (!decidesAgain) firstDecisions.set(waiting, events);
    return events.length > 0 ? events : { kind: "decided", state, version, events: [] };
  } catch (reason) {
    return { kind: "refused", reason };
  }
}

/** The events of a command's own commit, when it is in the stream or earlier in this batch. */
function ownEvents<Definitions extends EventDefinitions, Command, State>(
  view: StreamView<Definitions, State>,
  commitId: string | undefined,
  round: Round<Definitions, Command, State>,
): readonly RecordedEventOf<Definitions>[] | undefined {
  if (commitId === undefined) return undefined;
  const stored = view.eventsOf(commitId);
  if (stored !== undefined) return stored;
  const earlier = round.outcomes.findIndex(
    (outcome, index) =>
      outcome.kind === "decided" &&
      outcome.events.length > 0 &&
      round.commands[index]?.request.commitId === commitId,
  );
  const outcome = round.outcomes[earlier];
  return outcome !== undefined && outcome.kind !== "refused" ? outcome.events : undefined;
}

/** The events as they will be stored, undefined when there is no room for them, or why they are refused. */
async function addTo<Definitions extends EventDefinitions>(
  group: CommitGroup<Definitions>,
  events: readonly NewEventOf<Definitions>[],
  { commitId, metadata }: HandleOptions,
): Promise<
  readonly RecordedEventOf<Definitions>[] | { readonly kind: "refused"; readonly reason: unknown } | undefined
> {
  try {
    return await group.add(events, { commitId, metadata });
  } catch (reason) {
    return { kind: "refused", reason };
  }
}

/** The events of a round that its commands were decided to be. */
export function decidedEvents<Definitions extends EventDefinitions, State>(round: {
  readonly outcomes: readonly Outcome<Definitions, State>[];
}): RecordedEventOf<Definitions>[] {
  return round.outcomes.flatMap((outcome) => (outcome.kind === "decided" ? outcome.events : []));
}
