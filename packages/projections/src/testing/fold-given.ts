import { deepFreeze, findJsonProblem } from "@tuppence/core/testing";
import { documentsOf } from "../builds/names.ts";
import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { type DocumentRecord, NO_DOCUMENT } from "../documents/document.ts";
import { documentKeys } from "../documents/document-keys.ts";
import { type DocumentFold, foldDocument } from "../documents/fold-document.ts";
import type { FailedAt } from "./assert-error.ts";
import { PROJECTION_GUARDS } from "../run/guards.ts";
import { checkDocument } from "../storage/document-item.ts";

/** What came of events. */
export interface FoldedEvents {
  /** The states by their keys, as they are read back. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** The first event that can't be taken; those behind it were not tried. */
  readonly failed: FailedAt | undefined;
}

/** A state is not what it will be when it is read back. */
export class UnfitStateError extends Error {
  override readonly name = "UnfitStateError";
}

/** Folds events as a projection does when each comes in a batch of its own. */
export async function foldOneByOne(
  projection: DocumentProjection,
  events: readonly AnyEvent[],
): Promise<FoldedEvents> {
  const fold = foldOf(projection);
  const records = new Map<string, DocumentRecord>();
  for (const event of events) {
    const folded = await foldBatch(fold, records, [event]);
    if (folded.failed) return { documents: statesOf(records), failed: folded.failed };
    for (const [key, record] of folded.after) records.set(key, record);
  }
  return { documents: statesOf(records), failed: undefined };
}

/** Folds events as a projection does when they come in one batch. */
export async function foldAtOnce(
  projection: DocumentProjection,
  events: readonly AnyEvent[],
): Promise<FoldedEvents> {
  const { after, failed } = await foldBatch(foldOf(projection), new Map(), events);
  if (failed === undefined) return { documents: statesOf(after), failed };
  const before = events.slice(0, events.indexOf(failed.event));
  return { documents: (await foldAtOnce(projection, before)).documents, failed };
}

type Batch = Pick<FoldedEvents, "failed"> & { readonly after: ReadonlyMap<string, DocumentRecord> };

async function foldBatch(
  fold: DocumentFold,
  records: ReadonlyMap<string, DocumentRecord>,
  events: readonly AnyEvent[],
): Promise<Batch> {
  const byKey = new Map<string, AnyEvent[]>();
  let failed: FoldedEvents["failed"];
  for (const event of events) {
    try {
      for (const key of documentKeys(fold.projection, event)) {
        byKey.set(key, [...(byKey.get(key) ?? []), event]);
      }
    } catch (error) {
      failed = { event, error };
      break;
    }
  }
  const after = new Map<string, DocumentRecord>();
  for (const [key, own] of byKey) {
    const before = records.get(key) ?? NO_DOCUMENT;
    const folded = await foldDocument(fold, { key, before }, { events: own, parked: new Set() });
    if (folded.after) after.set(key, folded.after);
    const event = events.find(({ position }) => position === folded.failed?.event.position);
    if (event === undefined || (failed && event.position >= failed.event.position)) continue;
    failed = { event, error: folded.failed?.error };
  }
  return { after, failed };
}

function statesOf(records: ReadonlyMap<string, DocumentRecord>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...records].flatMap(([key, { state }]) => (state === undefined ? [] : [[key, JSON.parse(state)]])),
  );
}

/** The projection's own fold, held to its word: states are plain JSON, and each document begins with one of its own. */
function foldOf(projection: DocumentProjection): DocumentFold {
  return {
    projection: {
      ...projection,
      initialState(key) {
        const state = projection.initialState(key);
        // Shared by all documents, it must not be changed; otherwise it may.
        return state === projection.initialState(key) ? deepFreeze(state) : state;
      },
      evolve(state, event, key) {
        const next = projection.evolve(state, event, key);
        checkFit(key, next);
        return next;
      },
    },
    guards: PROJECTION_GUARDS,
    // As in DynamoDB, wherever it is tested.
    checkSize: (key, record) => checkDocument({ partition: documentsOf(projection.name, 1, 0), key, record }),
  };
}

function checkFit(key: string, state: unknown): void {
  // Throws for what contains itself.
  if (state === undefined || JSON.stringify(state) === undefined) return;
  const problem = findJsonProblem(withoutUndefined(state), "state");
  if (problem === undefined) return;
  const what = `the state of document ${JSON.stringify(key)} changes when it is stored`;
  throw new UnfitStateError(`${what}: ${problem.path}: ${problem.message}`);
}

/** Properties that are undefined are left out of JSON, and read as undefined. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutUndefined(inner)]));
}
