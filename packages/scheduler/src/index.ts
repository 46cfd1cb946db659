export { type AppendTargetOptions, append } from "./targets/append.ts";
export { call } from "./targets/call.ts";
export {
  type EnqueueTargetOptions,
  type EnqueuesOnce,
  enqueue,
  type ScheduledMessage,
} from "./targets/enqueue.ts";
export { EventRefusedError, FunctionFailedError } from "./targets/errors.ts";
export type { OccurrenceEvent } from "./targets/occurrence-event.ts";
export type { TargetOptions } from "./targets/target-options.ts";
export type { Schedule } from "./schedule.ts";
