import type { Decider } from "../command-handler/decider.ts";
import type { NewEvent } from "../events.ts";
import {
  assertDecided,
  assertEvents,
  assertState,
  assertThrown,
  describeStateCheck,
  type StateCheck,
} from "./assertions.ts";
import { show } from "./difference.ts";
import { findEventProblem } from "./event-problem.ts";
import type { ExpectedError } from "./expected-error.ts";
import type { Scene } from "./failure.ts";
import { deepFreeze } from "./plain.ts";
import { foldEvents, type Outcome, runDecide } from "./run-decider.ts";

/** Begins a test with what happened before. The events have to be as a store gives them: plain JSON. */
export type Given<Command, State, Event extends NewEvent> = (
  events: readonly Event[],
) => AfterEvents<Command, State, Event>;

export interface AfterEvents<Command, State, Event extends NewEvent> {
  /** What is asked for now. Nothing runs before one of the `then…` is called. */
  readonly when: (command: Command) => AfterCommand<State, Event>;
  /** The state that the given events lead to. */
  readonly thenState: ThenState<State>;
}

/** What has to follow; each throws an `AssertionError` when it does not. */
export interface AfterCommand<State, Event extends NewEvent> {
  /** Exactly these events were decided, in this order: type, data and metadata. */
  readonly thenEvents: (expected: readonly Event[]) => void;
  /** The command was accepted, and nothing follows from it. */
  readonly thenNothing: () => void;
  /** `decide` threw this error. */
  readonly thenThrows: (expected: ExpectedError) => void;
  /** The state that the given and the decided events lead to. */
  readonly thenState: ThenState<State>;
}

/** The state, or what a function sees in it, is deeply and strictly equal to what is expected. */
export interface ThenState<State> {
  (expected: State): void;
  <Part>(part: (state: State) => Part, expected: NoInfer<Part>): void;
}

/**
 * Tests a decider by what was given, what is asked for and what has to follow, with any test runner: a failure is an
 * `AssertionError` whose message tells the whole story, with `expected` and `actual` for the runner's diff.
 *
 * ```ts
 * const given = testDecider(account);
 * given([opened]).when({ kind: "deposit", amount: 5 }).thenEvents([{ type: "Deposited", data: { amount: 5 } }]);
 * given([opened]).when({ kind: "withdraw", amount: 5 }).thenThrows("not enough money");
 * given([opened]).thenState({ open: true, balance: 0 });
 * ```
 *
 * Beyond that it holds the decider to its word. Given events, commands and states are frozen where they stand (plain
 * objects and arrays, deeply), so that one that changes them throws; decided events have to be plain JSON, as `append`
 * demands. Schemas are not applied.
 *
 * `given` throws a `TypeError` for events that are no plain JSON, the assertions for a `decide` that gives a promise.
 */
export function testDecider<Command, State, Event extends NewEvent>(
  decider: Decider<Command, State, Event>,
): Given<Command, State, Event> {
  return (events) => {
    const given = checkGiven(events);
    function thenState(...check: StateCheck<State>): void {
      const scene = { given, assertion: thenState };
      assertState(scene, foldGiven(scene, decider, given), check);
    }
    return { when: (command) => afterCommand(decider, given, deepFreeze(command)), thenState };
  };
}

function afterCommand<Command, State, Event extends NewEvent>(
  decider: Decider<Command, State, Event>,
  given: readonly Event[],
  command: Command,
): AfterCommand<State, Event> {
  function run(assertion: Scene["assertion"]): Run<State, Event> {
    const scene = { given, when: { command }, assertion };
    const state = foldGiven(scene, decider, given);
    return { scene, state, outcome: runDecide(scene, decider, [command, state]) };
  }
  function thenEvents(expected: readonly Event[]): void {
    const { scene, outcome } = run(thenEvents);
    assertEvents(scene, outcome, expected);
  }
  function thenNothing(): void {
    const { scene, outcome } = run(thenNothing);
    assertEvents(scene, outcome, []);
  }
  function thenThrows(expected: ExpectedError): void {
    const { scene, outcome } = run(thenThrows);
    assertThrown(scene, outcome, expected);
  }
  function thenState(...check: StateCheck<State>): void {
    const { scene, state, outcome } = run(thenState);
    const events = assertDecided(scene, outcome, describeStateCheck(check));
    assertState(scene, foldEvents(scene, decider, { from: state, events, name: "decided" }), check);
  }
  return { thenEvents, thenNothing, thenThrows, thenState };
}

interface Run<State, Event> {
  readonly scene: Scene;
  /** Before the command. */
  readonly state: State;
  readonly outcome: Outcome<Event>;
}

function checkGiven<Event extends NewEvent>(events: readonly Event[]): readonly Event[] {
  if (!Array.isArray(events)) throw new TypeError(`given takes a list of events; it got ${show(events)}.`);
  const given: readonly Event[] = [...(events as readonly Event[])];
  for (const [index, event] of given.entries()) {
    const problem = findEventProblem(event, `given[${index}]`);
    if (problem)
      throw new TypeError(`No store gives back such an event: ${problem.path}: ${problem.message}.`);
  }
  return deepFreeze(given);
}

function foldGiven<State, Event extends NewEvent>(
  scene: Scene,
  decider: Decider<never, State, Event>,
  given: readonly Event[],
): State {
  return foldEvents(scene, decider, { from: decider.initialState(), events: given, name: "given" });
}
