import type { EventDefinitions, EventMetadata, NewEvent } from "../events.ts";
import type { BodyOptions } from "./body-options.ts";
import { type PreparedEvents, prepareEvents, prepareMetadata } from "./prepare-events.ts";
import { placeBodies } from "./place-bodies.ts";
import { sealEvents } from "./seal-events.ts";

/** What it takes to prepare events for being stored. */
export interface PrepareContext extends BodyOptions {
  readonly definitions: EventDefinitions | undefined;
  /** The largest item to write, in bytes. */
  readonly maxItemBytes: number;
}

/** An append as it was asked for. */
export interface GivenAppend {
  readonly commitId: Uint8Array;
  readonly events: readonly NewEvent[];
  readonly metadata: EventMetadata | undefined;
  /** Whether the stream ends with it; only then it may be without events. */
  readonly closes?: boolean | undefined;
}

/**
 * All that happens to the events of an append before one of its commits is written: checks first, then encryption, then
 * blobs for what does not fit.
 *
 * @throws NoEventsError, InvalidEventError, EventTooLargeError, and what the store's hooks throw
 */
export async function prepareAppend(
  context: PrepareContext,
  streamId: string,
  append: GivenAppend,
): Promise<PreparedEvents> {
  const isEmpty = append.closes && Array.isArray(append.events) && append.events.length === 0;
  const events = isEmpty ? [] : await prepareEvents(streamId, append.events, context.definitions);
  const checked = { events, metadata: prepareMetadata(append.events, append.metadata) };
  const { encryption, blobs } = context;
  const sealed = encryption === undefined ? checked : await sealEvents(encryption, streamId, checked);
  if (blobs === undefined) return sealed;
  return placeBodies(context, { streamId, commitId: append.commitId }, sealed);
}
