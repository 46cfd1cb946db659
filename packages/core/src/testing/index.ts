export {
  type AfterCommand,
  type AfterEvents,
  type Given,
  testDecider,
  type ThenState,
} from "./decider-tester.ts";
export type { ErrorClass, ExpectedError } from "./expected-error.ts";
