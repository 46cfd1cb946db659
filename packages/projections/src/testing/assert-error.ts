import {
  createErrorMatcher,
  createFailure,
  describeThrown,
  type ExpectedError,
  type Scene,
} from "@tuppence/core/testing";
import type { AnyEvent } from "../definition/projection.ts";

/** An event that can't be taken. */
export interface FailedAt {
  readonly event: AnyEvent;
  readonly error: unknown;
}

/** @throws AssertionError when nothing was thrown, or something else. */
export function assertError(
  scene: Scene,
  outcome: {
    readonly thrown: { readonly error: unknown } | undefined;
    readonly expected: ExpectedError;
    /** How to say what came when nothing was thrown, and that. */
    readonly instead: readonly [string, readonly string[]];
  },
): void {
  const { description, findMismatch } = createErrorMatcher(outcome.expected);
  const expected = [description];
  if (outcome.thrown === undefined) {
    throw createFailure(scene, { summary: "nothing failed", expected, but: outcome.instead });
  }
  const { error } = outcome.thrown;
  const mismatch = findMismatch(error);
  if (mismatch === undefined) return;
  const but = ["but it threw", describeThrown(error)] as const;
  throw createFailure(scene, { ...mismatch, expected, but, cause: error });
}

/** What fails a test because an event can't be taken. */
export function failureAt(scene: Scene, failed: FailedAt, expected?: readonly string[]): Error {
  const { event, error } = failed;
  const summary = `${nameOf(event)} can't be taken`;
  const but = ["but it failed", describeThrown(error)] as const;
  return createFailure(scene, { summary, expected, but, cause: error });
}

/** How a test knows an event: by its place among those given. */
export function nameOf({ position, type }: AnyEvent): string {
  return `given[${position - 1}], ${type},`;
}
