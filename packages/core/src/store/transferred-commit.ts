import type { Capacity } from "../capacity/units.ts";
import type { EventMetadata, NewEvent } from "../events.ts";
import type { JsonValue } from "../json.ts";

/** A commit in a form that JSON text can carry from one store to another. */
export interface TransferredCommit {
  readonly streamId: string;
  /** The version of its first event. */
  readonly firstVersion: number;
  /** Default: a new one; an import without ids can't be repeated. */
  readonly commitId?: string | undefined;
  /** ISO 8601. Default: now. */
  readonly recordedAt?: string | undefined;
  /** The metadata that all its events share. */
  readonly metadata?: EventMetadata | undefined;
  /** Whether it closed the stream; only then it may be without events. Default false. */
  readonly closes?: boolean | undefined;
  /** Of a commit whose events were truncated: how many it had, and the state that is kept in place of the last. */
  readonly truncated?: TruncatedCommit | undefined;
  readonly events: readonly TransferredEvent[];
}

/** An event of a `TransferredCommit`: its body as it is stored. */
export type TransferredEvent = TransferredPlainEvent | TransferredSealedEvent;

export interface TransferredPlainEvent extends NewEvent {
  /** The version of the type's schema that the data was written with. Default 1. */
  readonly schemaVersion?: number | undefined;
  readonly body?: undefined;
}

/** An encrypted event, still encrypted: forgetting reaches exports too. */
export interface TransferredSealedEvent {
  readonly type: string;
  /** Whose key the body is encrypted with. */
  readonly subject: string;
  /** Data and metadata, encrypted, in base64. */
  readonly body: string;
}

export interface TruncatedCommit {
  /** How many events it had. */
  readonly events: number;
  /** The first version that was kept. */
  readonly before: number;
  readonly snapshot?: TransferredState | undefined;
}

/** A state that is kept: as JSON, or still encrypted, in base64, for the subjects whose data it holds. */
export interface TransferredState {
  readonly version: string;
  readonly state?: JsonValue | undefined;
  readonly subjects?: readonly string[] | undefined;
  readonly body?: string | undefined;
}

export interface ExportOptions {
  /** Only this stream. Default: all. */
  readonly streamId?: string | undefined;
  /** Only the streams of this category. Default: all. */
  readonly category?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImportResult {
  readonly commits: number;
  readonly events: number;
  /** How many of the commits were there already. */
  readonly duplicates: number;
  readonly capacity: Capacity;
}
