export { type Item, itemSize } from "./capacity/item-size.ts";
export { type CapacityMeter, type MeteredCall, meterCapacity } from "./capacity/meter.ts";
export { type Capacity, readUnits, writeUnits } from "./capacity/units.ts";
export type { Consistency } from "./chain/storage.ts";
export type { ExpectedVersion } from "./chain/tiling.ts";
export {
  type CommandHandler,
  type CommandHandlerOptions,
  createCommandHandler,
  type Decider,
  DEFAULT_MAX_ATTEMPTS,
  type HandleOptions,
  type HandleResult,
} from "./command-handler.ts";
export { commitIdFrom, createCommitId } from "./commit-id.ts";
export { decideAcross } from "./decisions/decide-across.ts";
export type {
  DecideAcross,
  DecideAcrossOptions,
  Decision,
  DecisionResult,
} from "./decisions/decision.ts";
export { createEventStore, type EventStoreOptions } from "./dynamodb/create-event-store.ts";
export { DEFAULT_TABLE_PREFIX, eventsTable, type TableDefinition } from "./dynamodb/tables.ts";
export {
  type EventIssue,
  EventTooLargeError,
  IntegrityError,
  InvalidEventError,
  InvalidImportError,
  InvalidStreamIdError,
  NoEventsError,
  OutcomeUnknownError,
  StreamClosedError,
  type StreamConflict,
  TableMismatchError,
  TableMissingError,
  TransactConflictError,
  TransactionTooLargeError,
  TuppenceError,
  UnknownEventTypeError,
  VersionConflictError,
} from "./errors.ts";
export {
  defineEvents,
  type EventDefinitions,
  type EventMetadata,
  type EventOf,
  type NewEvent,
  type NewEventOf,
  type RecordedCommit,
  type RecordedEvent,
  type RecordedEventOf,
} from "./events.ts";
export type { JsonValue } from "./json.ts";
export * as limits from "./limits.ts";
export type {
  Observation,
  Observer,
  Operation,
  OperationFacts,
  OperationOutcome,
} from "./observer.ts";
export type { Runtime } from "./runtime.ts";
export type {
  AppendOptions,
  AppendResult,
  EventStore,
  ExportOptions,
  Fold,
  ImportResult,
  ListStreamsOptions,
  LoadOptions,
  LoadResult,
  ReadOptions,
  TransactCheck,
  TransactOptions,
  TransactResult,
  TransactWrite,
  TransferredCommit,
} from "./store/event-store.ts";
export { categoryOf } from "./stream-name.ts";
