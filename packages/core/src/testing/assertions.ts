import type { NewEvent } from "../events.ts";
import { findDifference, show } from "./difference.ts";
import { createErrorMatcher, type ExpectedError } from "./expected-error.ts";
import { createFailure, describeEvents, describeThrown, type Scene } from "./failure.ts";
import type { Outcome } from "./run-decider.ts";

/** The events decided. `expected` says, a line each, what was expected instead of an error. */
export function assertDecided<Event>(
  scene: Scene,
  outcome: Outcome<Event>,
  expected: readonly string[],
): readonly Event[] {
  if (!outcome.threw) return outcome.events;
  const { error } = outcome;
  throw createFailure(scene, {
    summary: "decide threw",
    expected,
    but: ["but it threw", describeThrown(error)],
    cause: error,
  });
}

export function assertEvents(scene: Scene, outcome: Outcome<NewEvent>, expected: readonly NewEvent[]): void {
  const lines = describeEvents(expected);
  const events = assertDecided(scene, outcome, lines);
  const diff = { actual: events.map(comparable), expected: expected.map(comparable) };
  const summary = findDifference(diff.actual, diff.expected, "decided");
  if (summary === undefined) return;
  throw createFailure(scene, {
    summary,
    expected: lines,
    but: ["but it decided", describeEvents(events)],
    diff,
  });
}

/** An event as a plain object: what is undefined of its metadata, or comes from a class, makes no difference. */
function comparable({ type, data, metadata, ...rest }: NewEvent): object {
  return { type, data, ...(metadata === undefined ? {} : { metadata }), ...rest };
}

export function assertThrown(scene: Scene, outcome: Outcome<NewEvent>, expected: ExpectedError): void {
  const { description, findMismatch } = createErrorMatcher(expected);
  if (!outcome.threw) {
    throw createFailure(scene, {
      summary: "decide did not throw",
      expected: [description],
      but: ["but it decided", describeEvents(outcome.events)],
    });
  }
  const mismatch = findMismatch(outcome.error);
  if (mismatch === undefined) return;
  throw createFailure(scene, {
    ...mismatch,
    expected: [description],
    but: ["but it threw", describeThrown(outcome.error)],
    cause: outcome.error,
  });
}

/** What a state has to be: all of it, or what a function sees in it. */
export type StateCheck<State> =
  | readonly [expected: State]
  | readonly [part: (state: State) => unknown, expected: unknown];

/** What is expected of a state, a line each. */
export function describeStateCheck<State>(check: StateCheck<State>): string[] {
  return check.length === 1 ? [`state ${show(check[0])}`] : [`${nameOf(check[0])} ${show(check[1])}`];
}

export function assertState<State>(scene: Scene, state: State, check: StateCheck<State>): void {
  const [actual, expected, name] =
    check.length === 1 ? [state, check[0], "state"] : [check[0](state), check[1], nameOf(check[0])];
  const summary = findDifference(actual, expected, name);
  if (summary === undefined) return;
  throw createFailure(scene, {
    summary,
    expected: describeStateCheck(check),
    but: ["but it is", [`${name} ${show(actual)}`]],
    diff: { actual, expected },
  });
}

/** `statusOf` of a function of that name; of others their source, as in `(state) => state.balance`. */
function nameOf(part: (state: never) => unknown): string {
  return part.name || String(part);
}
