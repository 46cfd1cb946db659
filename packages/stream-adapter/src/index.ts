export { decodeRecord } from "./decode-record.ts";
export { createLogWorker, DEFAULT_LOG_GROUP, type LogWorkerOptions } from "./log/create-log-worker.ts";
export { type LateOptions, logRecordsHandler } from "./log/log-records-handler.ts";
export {
  type HandlerContext,
  oneByOne,
  type RecordsHandler,
  StoppedAtRecordError,
} from "./records-handler.ts";
export type {
  ChangeRecord,
  CommitRecord,
  ExpirationRecord,
  ItemChange,
  RecordEnvelope,
  StreamRecord,
  UnknownRecord,
} from "./stream-record.ts";
export {
  createStreamWorker,
  DEFAULT_MAX_IDLE_MS,
  MAX_BATCH_SIZE,
  type StreamWorkerOptions,
} from "./worker/create-stream-worker.ts";
export type { ShardRef } from "./worker/lineage.ts";
export type { GapHandler } from "./worker/shard-reader.ts";
export { DEFAULT_DRAIN_MS, type StreamWorker } from "./worker/stream-worker.ts";
export type { Gap, WorkerEvent } from "./worker/worker-event.ts";
export type { ShardProgress, WorkerProgress } from "./worker/worker-progress.ts";
