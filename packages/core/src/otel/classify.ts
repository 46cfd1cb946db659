import {
  StreamClosedError,
  TransactConflictError,
  VersionConflictError,
  WriteRefusedError,
} from "../conflict-errors.ts";
import { TuppenceError } from "../errors.ts";
import type { Operation, OperationOutcome } from "../observer.ts";

/**
 * How an operation ended, as those on call sort it. `ok`; `left`: a loop over a read was left; `conflict`: a stream is not
 * where the caller expected it, or closed, or a condition of the caller's own does not hold, which is an answer; `rejected`: the decider refused the command, which is one too;
 * `error`: everything else.
 */
export type OutcomeKind = "ok" | "left" | "conflict" | "rejected" | "error";

/** Sorts an operation's outcome. `isRejection` knows what a decider throws to refuse. */
export function classify(
  operation: Operation,
  outcome: OperationOutcome,
  isRejection: (error: unknown) => boolean,
): OutcomeKind {
  if (outcome.status !== "failed") return outcome.status === "left" ? "left" : "ok";
  if (isAnsweredConflict(operation, outcome.error)) return "conflict";
  return isRejection(outcome.error) ? "rejected" : "error";
}

/**
 * A conflict with what the caller gave to expect, a closed stream, or a write that was refused. One with "any" is a race lost too often, one in an
 * import a failure.
 */
function isAnsweredConflict({ expectedVersion }: Operation, error: unknown): boolean {
  if (error instanceof StreamClosedError || error instanceof WriteRefusedError) return true;
  if (error instanceof TransactConflictError)
    return error.conflicts.some((each) => each.expected !== "any" || each.closed);
  return error instanceof VersionConflictError && expectedVersion !== undefined && expectedVersion !== "any";
}

/** The type of an error, one of few: its code if it is ours, otherwise its name. */
export function errorType(error: unknown): string {
  if (error instanceof TuppenceError) return error.code;
  return error instanceof Error ? error.name : "_OTHER";
}

/** What a decider does not throw as its answer: what JavaScript says of a wrong program, and what a store fails with. */
const FAILURES = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError, TuppenceError];

/** Whether an error that a decider threw is its answer. */
export function isRejectionByDefault(error: unknown): boolean {
  return !FAILURES.some((kind) => error instanceof kind);
}
