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
