export {
  createLambdaHandler,
  DEFAULT_MARGIN_MS,
  type FailureLogger,
  InvocationEndingError,
  type LambdaHandlerOptions,
} from "./create-lambda-handler.ts";
export { createLogHandler, type LogHandlerOptions, logEventSourceMapping } from "./create-log-handler.ts";
export { type EventSourceMappingSettings, eventSourceMapping } from "./event-source-mapping.ts";
export { COMMITS_FILTER, commitsFilter, EXPIRATIONS_FILTER, type RecordFilter } from "./filters.ts";
