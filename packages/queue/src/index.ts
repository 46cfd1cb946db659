export { createQueue, type QueueOptions } from "./create-queue.ts";
export {
  InvalidMessageError,
  type MessageIssue,
  MessageTooLargeError,
  ProducerSequenceError,
  QueueFullError,
  QueueRegionError,
  QueueTrimmedError,
} from "./errors.ts";
export type { RedriveOptions } from "./group/ask-redrive.ts";
export {
  type BatchConsumeOptions,
  type BatchContext,
  type BatchHandler,
  type ConsumeOptions,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MAX_IDLE_MS,
  DEFAULT_MAX_PARKED,
  DEFAULT_POLL_INTERVAL_MS,
  type FailurePolicy,
  type GroupOptions,
  type HandlerContext,
  MAX_LANES,
  type MessageConsumeOptions,
  type MessageHandler,
  type StartAt,
  type TransactionConsumeOptions,
  type TransactionHandler,
} from "./group/consume-options.ts";
export type { Delivery, NackOptions } from "./group/deliveries.ts";
export type { FailingLane } from "./group/failing-lane.ts";
export type { CaughtUpOptions, QueueConsumer } from "./group/group-consumer.ts";
export {
  DeliveryExpiredError,
  GroupBusyError,
  GroupMissingError,
  HandlerTimeoutError,
} from "./group/group-errors.ts";
export type { GroupEvent, LaneRef } from "./group/group-event.ts";
export type { GroupStatus, LaneStatus } from "./group/group-status.ts";
export type { ParkedMessage } from "./group/list-parked.ts";
export type { ParkedFailure } from "./group/parked-details.ts";
export type { MessagesOptions, QueueGroups } from "./group/queue-groups.ts";
export { listQueues } from "./list-queues.ts";
export type { Message, MessageHeaders, NewMessage } from "./message.ts";
export type { QueuePlace } from "./open-context.ts";
export {
  DEFAULT_DEDUP_WINDOW_MS,
  DEFAULT_FOLLOW_INTERVAL_MS,
  DEFAULT_MAX_WAITING,
  DEFAULT_PEEKED,
  type EnqueueOptions,
  type EnqueueResult,
  type FollowOptions,
  type PeekOptions,
  type ProducerState,
  type Queue,
} from "./queue.ts";
export type { QueueReadOptions, QueueTail } from "./queue-context.ts";
export type { QueueRegistration } from "./registration.ts";
export type { TrimOptions, TrimResult } from "./trim-queue.ts";
