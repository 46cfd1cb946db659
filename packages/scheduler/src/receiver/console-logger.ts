import type { FailureLogger } from "@tuppence/stream-adapter/lambda";

export const CONSOLE_LOGGER: FailureLogger = {
  warn: (object, message) => console.warn(message, object),
  error: (object, message) => console.error(message, object),
};
