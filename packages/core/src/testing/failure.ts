import { AssertionError } from "node:assert";
import type { NewEvent } from "../events.ts";
import { show } from "./difference.ts";

/** How many of the given events a failure shows: the last ones. */
const SHOWN_EVENTS = 20;

/** What a test has said so far. */
export interface Scene {
  readonly given: readonly NewEvent[];
  /** Absent when nothing was asked for. */
  readonly when?: { readonly command: unknown } | undefined;
  /** The assertion that was called: the failure's stack begins at its caller. */
  readonly assertion: (...args: never) => void;
}

export interface FailureDetails {
  /** What is wrong, in one line. */
  readonly summary: string;
  /** What was expected, a line each; left out when nothing would have been right. */
  readonly expected?: readonly string[] | undefined;
  /** What came instead: how (`but it threw`), and what. */
  readonly but: readonly [how: string, lines: readonly string[]];
  /** The values whose difference the test runner shows. */
  readonly diff?: { readonly actual: unknown; readonly expected: unknown } | undefined;
  /** What was thrown, whose own stack the test runner shows. */
  readonly cause?: unknown;
}

/** The error that fails a test: the summary, and below it given, when, expected and what came instead. */
export function createFailure({ given, when, assertion }: Scene, details: FailureDetails): AssertionError {
  const { summary, expected, but, diff, cause } = details;
  const hidden = given.length - SHOWN_EVENTS;
  const earlier = hidden > 0 ? [`… ${hidden} more`] : [];
  const message = [
    summary,
    "",
    ...section("given", [...earlier, ...describeEvents(given.slice(-SHOWN_EVENTS))]),
    ...(when ? section("when", [show(when.command)]) : []),
    ...(expected ? section("expected", expected) : []),
    ...section(...but),
  ].join("\n");
  const failure = new AssertionError({ message, ...diff, operator: assertion.name, stackStartFn: assertion });
  if (cause !== undefined) failure.cause = cause;
  return failure;
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`)];
}

/** Events, a line each. */
export function describeEvents(events: readonly unknown[]): string[] {
  return events.length === 0 ? ["nothing"] : events.map(describeEvent);
}

function describeEvent(event: unknown): string {
  const { type, data, metadata, streamId } = (event ?? {}) as Partial<NewEvent & { streamId: string }>;
  if (typeof type !== "string") return show(event);
  return `${type} ${show(data)}${streamId === undefined ? "" : ` in ${streamId}`}${metadata === undefined ? "" : ` with metadata ${show(metadata)}`}`;
}

/** What was thrown, in the lines of its message. */
export function describeThrown(thrown: unknown): string[] {
  return thrown instanceof Error ? String(thrown).split("\n") : [show(thrown)];
}
