import pMap from "p-map";
import type { DocumentProjection } from "../definition/projection.ts";
import { catchUp } from "./catch-up.ts";
import { concernsStream } from "./fold-inline.ts";
import { heldVersion, inlineName } from "./held-versions.ts";
import type { InlineContext } from "./inline-context.ts";
import { readInline } from "./read-inline.ts";
import { Spent } from "./spent.ts";

/** Streams and the versions up to which documents are to hold them. */
export interface StreamsToHold {
  readonly projections: readonly DocumentProjection[];
  readonly versions: ReadonlyMap<string, number>;
  readonly signal: AbortSignal | undefined;
}

/** A stream that the documents of a projection can't take. They hold what is before the event that it failed at. */
export interface StreamFailure {
  readonly streamId: string;
  readonly projection: DocumentProjection;
  readonly error: unknown;
}

/** Streams that are brought up to date at the same time. */
const CONCURRENCY = 8;

/** Brings the documents of projections up to date with streams, each from its own events. All are tried, whichever fails. */
export async function holdStreams(
  context: InlineContext,
  { projections, versions, signal }: StreamsToHold,
): Promise<{ readonly behind: number; readonly failures: readonly StreamFailure[] }> {
  const spent = new Spent();
  const streamIds = [...versions.keys()];
  const found = await readInline(context, { streamIds, documents: [] }, { spent, signal });
  const behind = projections.flatMap((projection) =>
    [...versions].flatMap(([streamId, to]) => {
      if (!concernsStream(projection, streamId)) return [];
      const held = heldVersion(found.held(streamId), inlineName(projection));
      return held < to ? [{ projection, streamId, held, to, spent, signal }] : [];
    }),
  );
  const failures = await pMap(
    behind,
    async (lag): Promise<StreamFailure | undefined> => {
      try {
        await catchUp(context, lag);
        return undefined;
      } catch (error) {
        signal?.throwIfAborted();
        return { streamId: lag.streamId, projection: lag.projection, error };
      }
    },
    { concurrency: CONCURRENCY },
  );
  return { behind: behind.length, failures: failures.filter((failure) => failure !== undefined) };
}
