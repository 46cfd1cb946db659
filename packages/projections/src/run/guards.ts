import { type DocumentRecord, documentAfter, type EventPlace, holdsEvent } from "../documents/document.ts";

/** What keeps read models right, as a value: tests switch each part off to see that it is needed. */
export interface ProjectionGuards {
  /** Whether a document holds an event already. */
  readonly holds: (document: DocumentRecord, event: EventPlace) => boolean;
  /** What a document claims to hold after some events. */
  readonly after: typeof documentAfter;
  /** Whether a position moves in a transaction that its lease fences; without, in any. */
  readonly fences: boolean;
  /** Whether the events behind a parked one of their stream are parked too. */
  readonly parksBehind: boolean;
  /** Whether the position moves after what was done, not before. */
  readonly movesLast: boolean;
}

export const PROJECTION_GUARDS: ProjectionGuards = {
  holds: holdsEvent,
  after: documentAfter,
  fences: true,
  parksBehind: true,
  movesLast: true,
};
