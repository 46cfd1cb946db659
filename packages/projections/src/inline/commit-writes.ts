import { type AlsoWrite, limits, type RecordedEvent, TransactionTooLargeError } from "@tuppence/core";
import type { DocumentProjection } from "../definition/projection.ts";
import { DocumentContendedError } from "../errors.ts";
import { type CaughtUp, catchUp } from "./catch-up.ts";
import { documentWrites } from "./document-writes.ts";
import { type EventsByKey, routeInline } from "./fold-inline.ts";
import { heldVersion, inlineName, inlinePartition, moveHeld, refuseAlways } from "./held-versions.ts";
import type { InlineContext } from "./inline-context.ts";
import { type FoundInline, readInline } from "./read-inline.ts";
import type { Spent } from "./spent.ts";

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
export async function commitWrites(
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
