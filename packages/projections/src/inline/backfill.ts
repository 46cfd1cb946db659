import pMap from "p-map";
import type { DocumentProjection } from "../definition/projection.ts";
import { catchUp } from "./catch-up.ts";
import { heldVersion, inlineName } from "./held-versions.ts";
import type { InlineContext } from "./inline-context.ts";
import { readInline } from "./read-inline.ts";
import { Spent } from "./spent.ts";

/** How far a backfill is. */
export interface BackfillProgress {
  /** Everything in the log up to this position is in the documents. */
  readonly position: number;
  /** How often streams were found to be behind, and brought up to date. */
  readonly caughtUp: number;
}

export interface BackfillOptions {
  /** Called from time to time, at least every 5,000 events. */
  readonly onProgress?: ((progress: BackfillProgress) => void) | undefined;
  /** Stops it; it can be begun anew at any time. */
  readonly signal?: AbortSignal | undefined;
}

/** Streams looked at together, which are read in one request; events of the log that are gone through for them at most. */
const STREAMS_AT_ONCE = 50;
const EVENTS_AT_ONCE = 5_000;

/** Streams that are brought up to date at the same time. */
const CONCURRENCY = 8;

/** Goes through the log for what streams there are, and brings the documents up to date with each. */
export async function backfill(
  context: InlineContext,
  projection: DocumentProjection,
  { onProgress, signal }: BackfillOptions,
): Promise<BackfillProgress> {
  const { categories, types } = projection;
  let progress: BackfillProgress = { position: 0, caughtUp: 0 };
  let versions = new Map<string, number>();
  let events = 0;
  const log = context.store.readAll({ categories, types, consistency: "strong", signal });
  const take = async (position: number): Promise<void> => {
    const caughtUp = await catchUpAll(context, projection, { versions, signal });
    progress = { position, caughtUp: progress.caughtUp + caughtUp };
    versions = new Map();
    events = 0;
    onProgress?.(progress);
    signal?.throwIfAborted();
  };
  let last = 0;
  for await (const { streamId, version, position } of log) {
    last = position;
    events += 1;
    versions.set(streamId, Math.max(version, versions.get(streamId) ?? 0));
    if (versions.size === STREAMS_AT_ONCE || events === EVENTS_AT_ONCE) await take(position);
  }
  if (events > 0) await take(last);
  return progress;
}

/** @returns how many were behind */
async function catchUpAll(
  context: InlineContext,
  projection: DocumentProjection,
  {
    versions,
    signal,
  }: { readonly versions: ReadonlyMap<string, number>; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const spent = new Spent();
  const name = inlineName(projection);
  const streamIds = [...versions.keys()];
  const found = await readInline(context, { streamIds, documents: [] }, { spent, signal });
  const behind = [...versions].flatMap(([streamId, to]) => {
    const held = heldVersion(found.held(streamId), name);
    return held < to ? [{ projection, streamId, held, to, spent, signal }] : [];
  });
  await pMap(behind, (lag) => catchUp(context, lag), { concurrency: CONCURRENCY });
  return behind.length;
}
