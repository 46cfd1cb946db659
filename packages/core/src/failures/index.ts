export { classifyFailure, describeFailure, type FailureKind } from "./classify-failure.ts";
export { NonRetryableError, RetryAfterError } from "./handler-errors.ts";
export {
  type Attempts,
  type Backoff,
  DEFAULT_RETRY_BACKOFF,
  GivenUpError,
  isWorkEnd,
  type Retry,
  retryPauseMs,
  tryUntilDone,
  WorkEndedError,
} from "./try-until-done.ts";
