import type { Decider } from "../command-handler/decider.ts";
import type { NewEvent } from "../events.ts";
import { findNewEventProblem } from "./event-problem.ts";
import { createFailure, describeEvents, describeThrown, type Scene } from "./failure.ts";
import { deepFreeze } from "./plain.ts";

/** What came of a command. */
export type Outcome<Event> =
  | { readonly threw: true; readonly error: unknown }
  | { readonly threw: false; readonly events: readonly Event[] };

/**
 * Decides a command once, on a state that cannot be changed.
 *
 * @throws AssertionError when an event decided is none that `append` would take.
 * @throws TypeError when `decide` gives a promise.
 */
export function runDecide<Command, State, Event extends NewEvent>(
  scene: Scene,
  decider: Decider<Command, State, Event>,
  [command, state]: readonly [Command, State],
): Outcome<Event> {
  let decided: Event | readonly Event[];
  try {
    decided = decider.decide(command, state);
  } catch (error) {
    return { threw: true, error };
  }
  if (typeof (decided as { readonly then?: unknown } | undefined)?.then === "function") {
    throw new TypeError("decide gave a promise; a decider that can be tested is pure and answers at once.");
  }
  const events = Array.isArray(decided) ? (decided as readonly Event[]) : [decided as Event];
  for (const [index, event] of events.entries()) {
    const problem = findNewEventProblem(event, `decided[${index}]`);
    if (problem === undefined) continue;
    const summary = `${problem.path}: ${problem.message}`;
    throw createFailure(scene, { summary, but: ["it decided", describeEvents(events)] });
  }
  return { threw: false, events: deepFreeze(events) };
}

/**
 * Folds events onto a state; neither can be changed.
 *
 * @throws AssertionError when `evolve` throws.
 */
export function foldEvents<State, Event extends NewEvent>(
  scene: Scene,
  decider: Decider<never, State, Event>,
  { from, events, name }: { readonly from: State; readonly events: readonly Event[]; readonly name: string },
): State {
  let state = deepFreeze(from);
  for (const [index, event] of events.entries()) {
    try {
      state = deepFreeze(decider.evolve(state, event));
    } catch (error) {
      const summary = `evolve threw on ${name}[${index}], ${event.type}`;
      throw createFailure(scene, { summary, but: ["but evolve threw", describeThrown(error)], cause: error });
    }
  }
  return state;
}
