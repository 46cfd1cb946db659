import { commitIdFrom, type EventDefinitions, type EventStore, type NewEventOf } from "@tuppence/core";
import type { Destination } from "./destination.ts";
import { type ExecutionRecord, recordId } from "./execution-record.ts";

export interface StreamDestinationOptions<Definitions extends EventDefinitions> {
  readonly store: EventStore<Definitions>;
  /** Where to, or what says so for a record. */
  readonly streamId: string | ((record: ExecutionRecord) => string);
  /** What is appended of a record. */
  readonly event: (record: ExecutionRecord) => NewEventOf<Definitions>;
}

/** Appends an event for each record, once. */
export function toStream<Definitions extends EventDefinitions>(
  options: StreamDestinationOptions<Definitions>,
): Destination {
  const { store, streamId, event } = options;
  return {
    kind: "stream",
    async send(record, { signal }) {
      const to = typeof streamId === "string" ? streamId : streamId(record);
      const commitId = commitIdFrom(recordId(record));
      await store.append(to, [event(record)], { expectedVersion: "any", commitId, signal });
    },
  };
}
