import type { EventDefinitions, EventMetadata, NewEvent } from "../events.ts";
import type { BodyOptions } from "./body-options.ts";
import { type PreparedEvents, prepareEvents, prepareMetadata } from "./prepare-events.ts";
import { sealEvents } from "./seal-events.ts";

/** What it takes to prepare events for being stored. */
export interface PrepareContext extends BodyOptions {
  readonly definitions: EventDefinitions | undefined;
}

/**
 * All that happens to the events of an append before one of its commits is written: checks first, then encryption.
 *
 * @throws NoEventsError, InvalidEventError, and what the store's hooks throw
 */
export async function prepareAppend(
  context: PrepareContext,
  streamId: string,
  append: { readonly events: readonly NewEvent[]; readonly metadata: EventMetadata | undefined },
): Promise<PreparedEvents> {
  const events = await prepareEvents(streamId, append.events, context.definitions);
  const checked = { events, metadata: prepareMetadata(append.events, append.metadata) };
  return context.encryption === undefined ? checked : sealEvents(context.encryption, streamId, checked);
}
