import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { InvalidDocumentError } from "../errors.ts";
import type { ProjectionGuards } from "../run/guards.ts";
import type { FailedEvent } from "../run/slot-context.ts";
import type { DocumentRecord } from "./document.ts";
import { evolveState, type RefusedState } from "./evolve-state.ts";

/** What a document becomes. */
export interface FoldedDocument {
  /** Undefined when there is nothing new for it. */
  readonly after: DocumentRecord | undefined;
  /** The first event that it can't take; those before it are in. */
  readonly failed: FailedEvent | undefined;
}

/** How a document is folded. */
export interface DocumentFold {
  readonly projection: DocumentProjection;
  readonly guards: ProjectionGuards;
  /** Refuses what does not fit where documents are kept. */
  readonly checkSize: (key: string, record: DocumentRecord) => void;
}

/** Folds the events that a document does not hold yet. What it is given stays as it is. */
export async function foldDocument(
  fold: DocumentFold,
  { key, before }: { readonly key: string; readonly before: DocumentRecord },
  { events, parked }: { readonly events: readonly AnyEvent[]; readonly parked: ReadonlySet<string> },
): Promise<FoldedDocument> {
  const fresh = events.filter((event) => !fold.guards.holds(before, event));
  if (fresh.length === 0) return { after: undefined, failed: undefined };
  const source = { fold, key, before, parked };
  const folded = await foldAll(source, fresh);
  if (!("error" in folded)) return { after: folded.after, failed: undefined };
  // What a state is checked for shows at the end: the event that it began with is found by one after the other.
  const count = folded.index ?? (await firstFailing(source, fresh));
  const event = fresh[count] as AnyEvent;
  const failed = { event, error: folded.error, attempts: 1 };
  if (count === 0) return { after: undefined, failed };
  const rest = await foldAll(source, fresh.slice(0, count));
  if ("error" in rest) {
    throw new InvalidDocumentError(key, "its fold is not pure: the same events fail and succeed", {
      cause: rest.error,
    });
  }
  return { after: rest.after, failed };
}

interface FoldSource {
  readonly fold: DocumentFold;
  readonly key: string;
  readonly before: DocumentRecord;
  readonly parked: ReadonlySet<string>;
}

async function foldAll(
  source: FoldSource,
  events: readonly AnyEvent[],
): Promise<{ readonly after: DocumentRecord } | RefusedState> {
  const { fold, key, before, parked } = source;
  const evolved = await evolveState(fold.projection, { key, text: before.state }, events);
  if ("error" in evolved) return evolved;
  try {
    const after = fold.guards.after(before, { state: evolved.text, events, parked });
    fold.checkSize(key, after);
    return { after };
  } catch (error) {
    return { error, index: undefined };
  }
}

async function firstFailing(source: FoldSource, events: readonly AnyEvent[]): Promise<number> {
  for (let count = 1; count < events.length; count++) {
    if ("error" in (await foldAll(source, events.slice(0, count)))) return count - 1;
  }
  return events.length - 1;
}
