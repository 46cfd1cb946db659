export type { Handler, LambdaContext } from "./call-handler.ts";
export { childProcessFunction, type ChildProcessFunctionOptions } from "./child-process-function.ts";
export { DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_MS, type FunctionLimits } from "./function-limits.ts";
export { inProcessFunction, type InProcessFunctionOptions } from "./in-process-function.ts";
export type { InvocationRecord } from "./invocation-record.ts";
export {
  DEFAULT_RETRY_WAITS_MS,
  type LambdaApi,
  type LambdaApiOptions,
  startLambdaApi,
} from "./lambda-api.ts";
export type { InvokeOptions, InvokeResult, LocalFunction } from "./local-function.ts";
export {
  DEFAULT_MAX_ENVIRONMENTS,
  type ProcessFunction,
  type ProcessFunctionOptions,
} from "./process-function.ts";
export {
  findRuntimeInterfaceClient,
  ricFunction,
  type RicFunctionOptions,
  type RuntimeInterfaceClient,
} from "./ric-function.ts";
