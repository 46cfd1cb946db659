import type { createBellHandler } from "@tuppence/scheduler/lambda";

const MINUTE_MS = 60_000;

/** How long what is due may take to be fired, in milliseconds. */
const INVOCATION_MS = 60_000;

/**
 * Fires what is due by the clock. On AWS, TTL removes the doorbell of a minute that is over, the table's stream tells of that, and the function is invoked.
 * TTL does not go by the data's clock: so the function is told here, in the words of DynamoDB Streams, that the last minute is over.
 */
export async function ringDoorbell(
  onBell: ReturnType<typeof createBellHandler>,
  nowMs: number,
): Promise<void> {
  const minute = Math.floor(nowMs / MINUTE_MS) - 1;
  const overAt = ((minute + 1) * MINUTE_MS) / 1_000;
  const record = {
    eventSource: "aws:dynamodb",
    eventName: "REMOVE" as const,
    userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
    dynamodb: {
      SequenceNumber: String(nowMs),
      Keys: { p: { S: `BELL|0|${String(minute).padStart(10, "0")}` }, s: { S: "bell" } },
      OldImage: { ttl: { N: String(overAt) } },
    },
  };
  const invocation = { getRemainingTimeInMillis: () => INVOCATION_MS };
  type Context = Parameters<typeof onBell>[1];
  const { batchItemFailures } = await onBell({ Records: [record] }, invocation as Context);
  if (batchItemFailures.length > 0) throw new Error("What was due could not be fired.");
}
