export {
  type AtLeastOnceHandlerOptions,
  DEFAULT_BATCH,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MAX_PARKED,
  DEFAULT_TRANSACTION_BATCH,
  defineProjection,
  type DocumentOptions,
  MAX_SLOTS,
  type ProjectionOptions,
  type ReactorOptions,
  type TransactionHandlerOptions,
} from "./definition/define-projection.ts";
export type {
  BatchContext,
  BatchLimits,
  BuildContext,
  DocumentProjection,
  FailurePolicy,
  HandlerProjection,
  ProjectedEvent,
  Projection,
  ReactionContext,
  ReactorProjection,
} from "./definition/projection.ts";
export {
  DocumentContendedError,
  DocumentTooLargeError,
  InvalidDocumentError,
  NonRetryableError,
  ProjectionChangedError,
  ProjectionMissingError,
  ProjectionVersionError,
  RetryAfterError,
} from "./errors.ts";
export type { BackfillOptions, BackfillProgress } from "./inline/backfill.ts";
export {
  createInlineProjections,
  DEFAULT_INLINE_ATTEMPTS,
  type InlineProjections,
  type InlineProjectionsOptions,
} from "./inline/create-inline-projections.ts";
export type { InlineDocuments, ListInlineOptions, ReadInlineOptions } from "./inline/inline-documents.ts";
export { DOCUMENTS_TTL_ATTRIBUTE, documentsTable } from "./storage/documents-table.ts";
export { createDynamoDBProjectionStorage } from "./storage/dynamodb-storage.ts";
export { createMemoryProjectionStorage } from "./storage/memory-storage.ts";
export type { ProjectionStorage } from "./storage/projection-storage.ts";
