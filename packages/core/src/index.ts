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
export { createEventStore, type EventStoreOptions } from "./dynamodb/create-event-store.ts";
export { DEFAULT_TABLE_PREFIX, eventsTable, type TableDefinition } from "./dynamodb/tables.ts";
export {
  BlobsMissingError,
  EncryptionMissingError,
  type EventIssue,
  EventTooLargeError,
  IntegrityError,
  InvalidEventError,
  InvalidImportError,
  InvalidStreamIdError,
  NoEventsError,
  OutcomeUnknownError,
  TableMismatchError,
  TableMissingError,
  TuppenceError,
  UnknownEventTypeError,
  UpcastError,
  VersionConflictError,
} from "./errors.ts";
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
export * as limits from "./limits.ts";
export { nextVersion, upcastData, type VersionedSchema } from "./next-version.ts";
export type { Runtime } from "./runtime.ts";
export type { Blobs, BodyOptions, Encryption, EventToEncrypt } from "./store/body-options.ts";
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
  TransferredCommit,
  TransferredEvent,
  TransferredPlainEvent,
  TransferredSealedEvent,
} from "./store/event-store.ts";
export { categoryOf } from "./stream-name.ts";
