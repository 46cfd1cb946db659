import type { NewEvent } from "../events.ts";
import type { SnapshotPolicy } from "../store/snapshot.ts";

/** The rules of a domain as pure functions: which events a command leads to, and what events do to the state. */
export interface Decider<Command, State, Event extends NewEvent> {
  readonly initialState: () => State;
  readonly evolve: (state: State, event: Event) => State;
  /** Keeps the state next to the events, so that a load reads one page however long the stream is. Default: not kept. */
  readonly snapshot?: SnapshotPolicy<State> | undefined;
  /** The events that follow from the command, none if nothing does. Throws when the state does not allow it. */
  readonly decide: (command: Command, state: State) => Event | readonly Event[];
}
