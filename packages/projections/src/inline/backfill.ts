import type { DocumentProjection } from "../definition/projection.ts";
import { holdStreams, type StreamsToHold } from "./hold-streams.ts";
import type { InlineContext } from "./inline-context.ts";

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
  streams: Pick<StreamsToHold, "versions" | "signal">,
): Promise<number> {
  const { behind, failures } = await holdStreams(context, { ...streams, projections: [projection] });
  for (const { error } of failures) throw error;
  return behind;
}
