import type { EventStore, Runtime } from "@tuppence/core";
import type { ControlStorage } from "@tuppence/core/leases";
import type { DocumentProjection } from "../definition/projection.ts";
import type { Place } from "../storage/dynamodb-documents.ts";

/** What keeps inline documents right, as a value: tests switch each part off to see that it is needed. */
export interface InlineGuards {
  /** Whether a document is only replaced where it is what the new one follows from. */
  readonly comparesRevisions: boolean;
  /** Whether a stream only moves on from where it was. */
  readonly comparesVersions: boolean;
  /** Whether events that did not come through here are folded before those behind them. */
  readonly closesGaps: boolean;
}

export const INLINE_GUARDS: InlineGuards = {
  comparesRevisions: true,
  comparesVersions: true,
  closesGaps: true,
};

/** What inline projections work with. */
export interface InlineContext extends Place {
  readonly store: EventStore;
  /** For its transactions; of the table of control items nothing is used. */
  readonly transactions: Pick<ControlStorage, "transact">;
  readonly projections: readonly DocumentProjection[];
  readonly guards: InlineGuards;
  readonly maxAttempts: number;
  readonly runtime: Runtime;
}

/** Pauses after lost races. */
export const INLINE_BACKOFF: { readonly baseMs: number; readonly maxMs: number } = { baseMs: 10, maxMs: 500 };
