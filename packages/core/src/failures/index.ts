export { classifyFailure, describeFailure, type FailureKind } from "./classify-failure.ts";
export { NonRetryableError, RetryAfterError } from "./handler-errors.ts";
