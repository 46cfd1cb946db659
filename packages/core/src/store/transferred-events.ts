import type { TransferredEvent } from "./event-store.ts";
import { type PreparedEvent, prepareEvents } from "./prepare-events.ts";
import { entryText, type StoredEvent } from "./stored-event.ts";

/** An event for an export, its body as it is stored. */
export function describeTransferred({ type, data, schemaVersion, metadata }: StoredEvent): TransferredEvent {
  return {
    type,
    data,
    ...(schemaVersion === 1 ? undefined : { schemaVersion }),
    ...(metadata === undefined ? undefined : { metadata }),
  };
}

/**
 * Checks the events of a commit to import; they are not held to definitions.
 *
 * @throws RangeError for a schema version that is none, and what `prepareEvents` throws.
 */
export async function prepareTransferred(
  streamId: string,
  events: readonly TransferredEvent[],
): Promise<PreparedEvent[]> {
  const prepared = await prepareEvents(streamId, events, undefined);
  return prepared.map((event, index) => {
    const { schemaVersion = 1 } = events[index] as TransferredEvent;
    if (!(Number.isSafeInteger(schemaVersion) && schemaVersion >= 1)) {
      throw new RangeError(`schemaVersion is ${String(schemaVersion)}; it has to be a whole number from 1`);
    }
    const versioned = { ...event, schemaVersion };
    return schemaVersion === 1 ? event : { ...versioned, text: entryText(versioned) };
  });
}
