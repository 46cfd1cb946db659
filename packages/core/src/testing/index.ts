export {
  type AfterCommand,
  type AfterEvents,
  type Given,
  testDecider,
  type ThenState,
} from "./decider-tester.ts";
export type { ErrorClass, ExpectedError } from "./expected-error.ts";

// What the testers of other packages are made of.
export { findJsonProblem } from "../json.ts";
export { findDifference, show } from "./difference.ts";
export { findEventProblem } from "./event-problem.ts";
export { createErrorMatcher, type ErrorMatcher } from "./expected-error.ts";
export { createFailure, describeThrown, type FailureDetails, type Scene } from "./failure.ts";
export { deepFreeze } from "./plain.ts";
