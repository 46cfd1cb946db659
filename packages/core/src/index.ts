export { type Item, itemSize } from "./capacity/item-size.ts";
export { type CapacityMeter, type MeteredCall, meterCapacity } from "./capacity/meter.ts";
export { type Capacity, readUnits, writeUnits } from "./capacity/units.ts";
export type { AlsoWrite, Consistency } from "./chain/storage.ts";
export type { ExpectedVersion } from "./chain/tiling.ts";
export {
  type CommandHandler,
  type CommandHandlerOptions,
  createCommandHandler,
  DEFAULT_MAX_ATTEMPTS,
  type HandleOptions,
  type HandleResult,
} from "./command-handler/command-handler.ts";
export type { Decider } from "./command-handler/decider.ts";
export { commitIdFrom, createCommitId } from "./commit-id.ts";
export { decideAcross } from "./decisions/decide-across.ts";
export type {
  DecideAcross,
  DecideAcrossOptions,
  Decision,
  DecisionResult,
} from "./decisions/decision.ts";
export { auditLog } from "./dynamodb/audit-log.ts";
export { createEventStore, type EventStoreOptions } from "./dynamodb/create-event-store.ts";
export { createSequencer, type SequencerOptions } from "./dynamodb/create-sequencer.ts";
export { ensureTable } from "./dynamodb/ensure-table.ts";
export { ensureTables } from "./dynamodb/ensure-tables.ts";
export { readTableStatus, type TableStatus } from "./dynamodb/table-status.ts";
export {
  CONTROL_TTL_ATTRIBUTE,
  controlTable,
  DEFAULT_TABLE_PREFIX,
  eventsTable,
  type TableDefinition,
} from "./dynamodb/tables.ts";
export {
  StreamClosedError,
  type StreamConflict,
  StreamTruncatedError,
  TransactConflictError,
  VersionConflictError,
  WriteRefusedError,
} from "./conflict-errors.ts";
export {
  IntegrityError,
  LeaseLostError,
  OutcomeUnknownError,
  TableMismatchError,
  TableMissingError,
  TuppenceError,
  WaitTimeoutError,
} from "./errors.ts";
export {
  type EventIssue,
  EventTooLargeError,
  InvalidEventError,
  InvalidImportError,
  InvalidStreamIdError,
  NoEventsError,
  SnapshotTooLargeError,
  TransactionTooLargeError,
} from "./input-errors.ts";
export {
  BlobsMissingError,
  EncryptionMissingError,
  UnknownEventTypeError,
  UpcastError,
} from "./reading-errors.ts";
export { NonRetryableError, RetryAfterError } from "./failures/index.ts";
export {
  defineEvents,
  type EventDefinitions,
  type EventMetadata,
  type EventOf,
  type ForgottenData,
  forgotten,
  type NewEvent,
  type NewEventOf,
  type RecordedCommit,
  type RecordedEvent,
  type RecordedEventOf,
} from "./events.ts";
export type { JsonValue } from "./json.ts";
export {
  type AuditOptions,
  type AuditReport,
  DEFAULT_AUDIT_GRACE_MS,
  type MissingVersions,
} from "./log/audit-log.ts";
export {
  DEFAULT_KEPT_BYTES,
  DEFAULT_POLL_INTERVAL_MS,
  DEFAULT_WAIT_TIMEOUT_MS,
  type LogBatch,
  type LogFilter,
  type LoggedEvent,
  type LogReader,
  type LogReaderOptions,
  type ReadAllOptions,
  type ReadBatch,
  type SubscribeAllOptions,
  type UnreadableEvent,
  type WaitForOptions,
} from "./log/log-reads.ts";
export {
  type LateCommit,
  LOOK_BACK_MARGIN_MS,
  type Sequencer,
  type SequenceResult,
} from "./log/sequencer.ts";
export * as limits from "./limits.ts";
export { nextVersion, upcastData, type VersionedSchema } from "./next-version.ts";
export type {
  Observation,
  Observer,
  Operation,
  OperationFacts,
  OperationOutcome,
} from "./observer.ts";
export { LinkedAbort } from "./linked-abort.ts";
export { backoffMs, pause, type Runtime, SYSTEM_RUNTIME } from "./runtime.ts";
export {
  createStateCache,
  DEFAULT_CACHED_COMMIT_IDS,
  DEFAULT_CACHED_STREAMS,
  type StateCache,
  type StateCacheOptions,
} from "./state-cache.ts";
export type { AlsoOfEvents } from "./store/also-writes.ts";
export type { Blobs, BodyOptions, Encryption, EventToEncrypt } from "./store/body-options.ts";
export type { EventStore, ListStreamsOptions } from "./store/event-store.ts";
export type {
  Fold,
  LoadOptions,
  LoadResult,
  ReadCategoryOptions,
  ReadOptions,
  TruncateOptions,
  TruncateResult,
} from "./store/read-options.ts";
export type {
  AppendOptions,
  AppendResult,
  CommitGroup,
  CommitGroupOptions,
  TransactCheck,
  TransactOptions,
  TransactResult,
  TransactWrite,
} from "./store/write-options.ts";
export type {
  ExportOptions,
  ImportResult,
  TransferredCommit,
  TransferredEvent,
  TransferredPlainEvent,
  TransferredSealedEvent,
  TransferredState,
  TruncatedCommit,
} from "./store/transferred-commit.ts";
export { type NextSnapshot, snapshotAfter } from "./store/next-snapshot.ts";
export type { SnapshotPolicy } from "./store/snapshot.ts";
export { categoryOf } from "./stream-name.ts";
