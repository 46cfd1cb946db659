import type { StreamRecord } from "./stream-record.ts";

/** Makes a record of what GetRecords or Lambda brought. It never throws. */
export function decodeRecord(raw: unknown): StreamRecord {
  const { dynamodb, eventID } = raw as {
    readonly eventID?: string;
    readonly dynamodb?: { readonly SequenceNumber?: string; readonly ApproximateCreationDateTime?: Date };
  };
  return {
    kind: "unknown",
    sequenceNumber: dynamodb?.SequenceNumber,
    eventId: eventID,
    changedAt: dynamodb?.ApproximateCreationDateTime,
    raw,
  };
}
