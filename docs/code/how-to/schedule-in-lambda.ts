//#region bell
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { call, type OccurrenceEvent } from "@tuppence/scheduler";
import { createBellHandler, dropDuplicates } from "@tuppence/scheduler/lambda";

const client = new DynamoDBClient();
const targets = { remind: call<{ to: string }>(({ id, payload }) => sendMail(payload.to, id)) };

/** Mapped to the stream of `tuppence-schedules` with `bellEventSourceMapping()`. */
export const handler = createBellHandler({ client, targets });
//#endregion bell

//#region receiver
/** A function that a target `lambda(…)` invokes: it does each occurrence once. */
export const reminder = dropDuplicates(
  async ({ occurrenceId, payload }: OccurrenceEvent<{ to: string }>) => sendMail(payload.to, occurrenceId),
  { client },
);
//#endregion receiver

async function sendMail(to: string, requestId: string): Promise<void> {
  console.log(`Mail to ${to}, ${requestId}`);
}
