export type { MappingStats } from "./deliver-batch.ts";
export type { EventSourceMapping } from "./event-source-mapping.ts";
export type { FailureCondition, FailureRecord } from "./failure-record.ts";
export type { FilterPattern } from "./filter-pattern.ts";
export {
  DEFAULT_BATCH_SIZE,
  type MappingOptions,
  mappingOptions,
  type ServiceMappingSettings,
} from "./mapping-settings.ts";
export { type EventSourceMappingOptions, startEventSourceMapping } from "./start-event-source-mapping.ts";
export type { JsonAttribute, JsonItem, StreamEvent, StreamEventRecord } from "./stream-event.ts";
export type { StreamName } from "./stream-source.ts";
export {
  childProcessFunction,
  type ChildProcessFunctionOptions,
  DEFAULT_MAX_ENVIRONMENTS,
  DEFAULT_MEMORY_MB,
  DEFAULT_RETRY_WAITS_MS,
  DEFAULT_TIMEOUT_MS,
  findRuntimeInterfaceClient,
  type FunctionLimits,
  type Handler,
  inProcessFunction,
  type InProcessFunctionOptions,
  type InvocationRecord,
  type InvokeOptions,
  type InvokeResult,
  type LambdaApi,
  type LambdaApiOptions,
  type LambdaContext,
  type LocalFunction,
  type ProcessFunction,
  type ProcessFunctionOptions,
  ricFunction,
  type RicFunctionOptions,
  type RuntimeInterfaceClient,
  startLambdaApi,
} from "./functions.ts";
