export { NonRetryableError, RetryAfterError } from "@tuppence/core";
export type { Cancellation } from "./admin/cancel.ts";
export type { ListOptions } from "./admin/list-schedules.ts";
export type { Recovery } from "./admin/recover.ts";
export { DEFAULT_RETENTION_MS, type FiringOptions, type SchedulerPlace } from "./create-context.ts";
export { DEFAULT_RETRY, type RetryPolicy } from "./definition.ts";
export type { Destination } from "./destinations/destination.ts";
export type { ExecutionRecord } from "./destinations/execution-record.ts";
export { toQueue } from "./destinations/to-queue.ts";
export { type StreamDestinationOptions, toStream } from "./destinations/to-stream.ts";
export type { FireDueOptions } from "./drain/fire-due.ts";
export {
  InvalidPayloadError,
  PayloadTooLargeError,
  ScheduleBusyError,
  ScheduleMissingError,
  ScheduleNameTakenError,
  ScheduleStateError,
  ShardsMismatchError,
  TargetTimeoutError,
} from "./errors.ts";
export { InvalidScheduleError } from "./recurrence/errors.ts";
export type { DstPolicy, ScheduleSpec, When } from "./recurrence/schedule-spec.ts";
export {
  DEFAULT_MISFIRE,
  DEFAULT_RUN_OVERLAP,
  type Misfire,
  type RunOverlap,
} from "./recurrence/series-policy.ts";
export { MAX_PAYLOAD_BYTES, type PayloadOf, type ScheduleRequest } from "./request.ts";
export type { EntryState, Schedule } from "./schedule.ts";
export { createScheduler, type Scheduler, type SchedulerOptions, type Which } from "./scheduler.ts";
export type { FiredEvent, SchedulerEvent } from "./scheduler-event.ts";
export { DEFAULT_SHARDS, MAX_SHARDS } from "./shards.ts";
export { createDynamoDBScheduleStorage } from "./storage/dynamodb-storage.ts";
export { createMemoryScheduleStorage } from "./storage/memory-storage.ts";
export type { ScheduleStorage } from "./storage/schedule-storage.ts";
export { SCHEDULES_TTL_ATTRIBUTE, schedulesTable } from "./storage/schedules-table.ts";
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
export type { InStoreTargetOptions, TargetOptions, WithPayload } from "./targets/target-options.ts";
export {
  DEFAULT_TARGET_TIMEOUT_MS,
  type FinishWrites,
  type FireContext,
  type InStoreTarget,
  type Occurrence,
  type OutsideTarget,
  type Target,
  type Targets,
} from "./targets/target.ts";
export {
  createSchedulerWorker,
  DEFAULT_CLAIM_AHEAD_MS,
  DEFAULT_LOOK_MS,
  DEFAULT_WORKER_CONCURRENCY,
  type SchedulerWorker,
  type SchedulerWorkerOptions,
} from "./worker/create-scheduler-worker.ts";
