export { NonRetryableError, RetryAfterError } from "@tuppence/core";
export type { Build } from "./builds/registration.ts";
export {
  type AtLeastOnceHandlerOptions,
  DEFAULT_BATCH,
  DEFAULT_DOCUMENT_BATCH,
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
  Documents,
  GetDocumentOptions,
  GetDocumentsOptions,
  KeyedDocument,
  ListDocumentsOptions,
} from "./documents/documents.ts";
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
  ProjectionBusyError,
  ProjectionChangedError,
  ProjectionMissingError,
  ProjectionVersionError,
} from "./errors.ts";
export type { BackfillOptions, BackfillProgress } from "./inline/backfill.ts";
export {
  createInlineProjections,
  DEFAULT_INLINE_ATTEMPTS,
  type InlineProjections,
  type InlineProjectionsOptions,
} from "./inline/create-inline-projections.ts";
export type { InlineDocuments, ListInlineOptions, ReadInlineOptions } from "./inline/inline-documents.ts";
export { encodeDocument } from "./storage/document-item.ts";
export { DOCUMENTS_TTL_ATTRIBUTE, documentsTable } from "./storage/documents-table.ts";
export { createDynamoDBProjectionStorage } from "./storage/dynamodb-storage.ts";
export {
  createProjections,
  type ParkedOptions,
  type Projections,
  type ProjectionsOptions,
  type ProjectionSummary,
} from "./projections.ts";
export type { ReplayRequest } from "./run/ask-replay.ts";
export type { ParkedInSlot } from "./run/list-parked.ts";
export type { ParkedEvent } from "./run/parked-event.ts";
export type { BuildStatus, ProjectionStatus, SlotStatus } from "./status/projection-status.ts";
export { createMemoryProjectionStorage } from "./storage/memory-storage.ts";
export type { DocumentPut, ProjectionStorage } from "./storage/projection-storage.ts";
export type { ProjectionEvent } from "./run/projection-event.ts";
export {
  createProjectionWorker,
  type ProjectionPlace,
  type ProjectionWorkerOptions,
} from "./worker/create-projection-worker.ts";
export type { ProjectionWorker } from "./worker/projection-worker.ts";
export type { EventsToken, Token } from "./wait/token.ts";
export { DEFAULT_PROJECTION_POLL_INTERVAL_MS, type ProjectionWaitOptions } from "./wait/wait-until.ts";
