import {
  type AlsoOfEvents,
  type AlsoWrite,
  type AppendOptions,
  type AppendResult,
  backoffMs,
  type EventDefinitions,
  limits,
  type NewEvent,
  OutcomeUnknownError,
  type RecordedEvent,
  StreamClosedError,
  TransactionTooLargeError,
  VersionConflictError,
  WriteRefusedError,
} from "@tuppence/core";
import type { DocumentProjection } from "../definition/projection.ts";
import { DocumentContendedError } from "../errors.ts";
import { type CaughtUp, catchUp } from "./catch-up.ts";
import { documentWrites } from "./document-writes.ts";
import { concernsStream, type EventsByKey, routeInline } from "./fold-inline.ts";
import { heldVersion, inlineName, inlinePartition, moveHeld, refuseAlways } from "./held-versions.ts";
import { INLINE_BACKOFF, type InlineContext } from "./inline-context.ts";
import { type FoundInline, readInline } from "./read-inline.ts";
import { Spent } from "./spent.ts";

/** An append as a store takes it. */
export interface InlineAppend {
  readonly streamId: string;
  readonly events: readonly NewEvent[];
  readonly options?: AppendOptions | undefined;
}

/** Appends, and folds the events into documents in the same transaction. */
export async function appendInline(
  context: InlineContext,
  { streamId, events, options = {} }: InlineAppend,
): Promise<AppendResult<EventDefinitions>> {
  const { store, runtime, maxAttempts } = context;
  const projections = context.projections.filter((projection) => concernsStream(projection, streamId));
  if (projections.length === 0) return store.append(streamId, events, options);
  const spent = new Spent();
  const { signal } = options;
  let { commitId } = options;
  let unknown: OutcomeUnknownError | undefined;
  for (let attempt = 1; ; attempt++) {
    let own: readonly AlsoWrite[] = [];
    const also = async (stored: readonly RecordedEvent[]): Promise<readonly AlsoWrite[]> => {
      own = await ownWrites(options.also, stored);
      return [...own, ...(await writesOf(context, projections, { streamId, events: stored, spent, signal }))];
    };
    try {
      const result = await store.append(streamId, events, { ...options, commitId, also });
      spent.add(result.capacity);
      // The id of an append whose outcome was unknown is not the caller's own.
      const duplicate = result.duplicate && options.commitId !== undefined;
      return { ...result, duplicate, capacity: spent.total() };
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw unknown === undefined || isCertain(error) ? error : unknown;
      spent.add(refusal.capacity);
      if (error instanceof OutcomeUnknownError) unknown = error;
      const theirs = refusalOfOwn(refusal, own, spent);
      if (theirs !== undefined) throw unknown ?? theirs;
      if (attempt === maxAttempts) {
        const contended = { streamId, attempts: attempt, capacity: spent.total() };
        throw unknown ?? new DocumentContendedError(contended, { cause: error });
      }
      // If it was stored, or is on its way, it is recognised by its id.
      commitId = unknown?.commitId ?? commitId;
      await runtime.sleep(backoffMs(attempt, INLINE_BACKOFF, runtime.random), signal);
    }
  }
}

/** Why nothing was written, as far as the last send goes. */
function refusalOf(error: unknown): WriteRefusedError | undefined {
  const refusal = error instanceof OutcomeUnknownError ? error.cause : error;
  return refusal instanceof WriteRefusedError ? refusal : undefined;
}

/** Whether an earlier send of the append, of unknown outcome, can't have been stored. */
function isCertain(error: unknown): boolean {
  return error instanceof VersionConflictError || error instanceof StreamClosedError;
}

async function ownWrites(
  also: AppendOptions["also"],
  events: readonly RecordedEvent[],
): Promise<readonly AlsoWrite[]> {
  if (typeof also !== "function") return also ?? [];
  return (also as AlsoOfEvents)(events);
}

/** The refusal of the caller's own other writes, if there is one. */
function refusalOfOwn(
  { indexes, items }: WriteRefusedError,
  own: readonly AlsoWrite[],
  spent: Spent,
): WriteRefusedError | undefined {
  const refused = indexes.flatMap((index, at) => {
    const write = own[index];
    return write === undefined ? [] : [{ index, write, item: items[at] }];
  });
  return refused.length === 0 ? undefined : new WriteRefusedError(refused, spent.total());
}

/** A commit about to be stored. */
interface StoredCommit {
  readonly streamId: string;
  readonly events: readonly RecordedEvent[];
  readonly spent: Spent;
  readonly signal: AbortSignal | undefined;
}

/** A projection, and where events of a commit go in it. */
interface Route {
  readonly projection: DocumentProjection;
  readonly byKey: EventsByKey;
}

/** The documents of a commit, and that its stream is held up to its end: by those projections that have something to do with it. */
async function writesOf(
  context: InlineContext,
  projections: readonly DocumentProjection[],
  commit: StoredCommit,
): Promise<readonly AlsoWrite[]> {
  const { streamId, events, spent, signal } = commit;
  const [{ version: first } = { version: 0 }] = events;
  const routes = projections
    .map((projection) => ({ projection, byKey: routeInline(projection, events) }))
    .filter(({ byKey }) => byKey.size > 0);
  if (routes.length === 0) return [];
  const documents = placesOf(routes);
  const caughtUp = new Map<Route, CaughtUp>();
  for (let attempt = 1; ; attempt++) {
    const found = await readInline(context, { streamIds: [streamId], documents }, { spent, signal });
    const stands = routes.map((route) => standOf(route, found.held(streamId), caughtUp.get(route)));
    // Somebody has this version already: the store thinks of a place that was taken, and learns of it.
    if (stands.some(({ held }) => held >= first)) {
      return [refuseAlways({ tableName: context.tableName, streamId })];
    }
    const behind = stands.filter(({ seen }) => context.guards.closesGaps && seen < first - 1);
    if (behind.length === 0) return writesAfter(context, { ...commit, stands, found });
    if (attempt === context.maxAttempts) {
      throw new DocumentContendedError({ streamId, attempts: attempt, capacity: spent.total() });
    }
    for (const { route, held } of behind) {
      const { projection } = route;
      caughtUp.set(
        route,
        await catchUp(context, { projection, streamId, held, to: first - 1, spent, signal }),
      );
    }
  }
}

/** @throws TransactionTooLargeError for more than a transaction takes, with the commit and how far the stream is held. */
function placesOf(routes: readonly Route[]): { readonly partition: string; readonly key: string }[] {
  const documents = routes.flatMap(({ projection, byKey }) =>
    [...byKey.keys()].map((key) => ({ partition: inlinePartition(projection), key })),
  );
  const limit = limits.MAX_TRANSACTION_ACTIONS;
  const actions = documents.length + 2;
  if (actions > limit) throw new TransactionTooLargeError(actions, limit, "actions");
  return documents;
}

/** How far a stream is held by a projection. */
interface RouteStand extends CaughtUp {
  readonly route: Route;
}

function standOf(
  route: Route,
  item: Parameters<typeof heldVersion>[0],
  caughtUp: CaughtUp | undefined,
): RouteStand {
  const held = heldVersion(item, inlineName(route.projection));
  // What was looked through counts if it began where the stream is held.
  const seen = caughtUp?.held === held ? caughtUp.seen : held;
  return { route, held, seen };
}

async function writesAfter(
  context: InlineContext,
  {
    streamId,
    events,
    stands,
    found,
  }: StoredCommit & { readonly stands: readonly RouteStand[]; readonly found: FoundInline },
): Promise<readonly AlsoWrite[]> {
  const { tableName, guards } = context;
  const to = events.at(-1)?.version ?? 0;
  const moves = stands.map(({ route, held: from }) => ({
    projection: inlineName(route.projection),
    from,
    to,
  }));
  const writes = [moveHeld({ tableName, streamId }, moves, guards.comparesVersions)];
  for (const { route } of stands) writes.push(...(await documentWrites(context, { ...route, found })));
  return writes;
}
