import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { InvalidDocumentError } from "../errors.ts";
import type { ProjectionGuards } from "../run/guards.ts";
import type { FailedEvent } from "../run/slot-context.ts";
import type { DocumentRecord } from "./document.ts";

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

type Outcome =
  | { readonly after: DocumentRecord }
  /** The index of the event that evolve failed on; undefined when the state it led to is refused. */
  | { readonly error: unknown; readonly index: number | undefined };

async function foldAll(source: FoldSource, events: readonly AnyEvent[]): Promise<Outcome> {
  const { fold, key, before, parked } = source;
  const { projection, guards } = fold;
  let index = 0;
  let state: unknown;
  try {
    // From text each time: a fold may change what it is given.
    state = before.state === undefined ? undefined : JSON.parse(before.state);
    for (; index < events.length; index++) {
      if (state === undefined) state = projection.initialState(key);
      state = projection.evolve(state, events[index] as AnyEvent, key);
    }
  } catch (error) {
    return { error, index };
  }
  try {
    // Checked, not changed: where a batch ends must not show in what the next event meets.
    if (state !== undefined) await checkState(projection, key, state);
    const text = state === undefined ? undefined : stateText(key, state);
    const after = guards.after(before, { state: text, events, parked });
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

/** @throws InvalidDocumentError for a state that does not fit the schema. */
export async function checkState({ schema }: DocumentProjection, key: string, state: unknown): Promise<void> {
  if (schema === undefined) return;
  const result = await schema["~standard"].validate(state);
  if (result.issues === undefined) return;
  const issues = result.issues.map(({ message, path = [] }) => {
    const place = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
    return place === "" ? message : `${place}: ${message}`;
  });
  throw new InvalidDocumentError(key, `its state does not fit the schema: ${issues.join("; ")}`);
}

/** @throws InvalidDocumentError for what is no JSON. */
export function stateText(key: string, state: unknown): string {
  const text: string | undefined = JSON.stringify(state);
  if (text === undefined)
    throw new InvalidDocumentError(key, `its state is a ${typeof state}, which is no JSON`);
  return text;
}
