import { sendReminder } from "./reminders.ts";
//#region handler
import { type RecordsHandler, StoppedAtRecordError } from "@tuppence/stream-adapter";
import { createLambdaHandler, EXPIRATIONS_FILTER, eventSourceMapping } from "@tuppence/stream-adapter/lambda";

const remind: RecordsHandler = async (records, { signal }) => {
  for (const [index, record] of records.entries()) {
    // Those before it are done: delivery goes on with this one.
    if (signal.aborted) throw new StoppedAtRecordError(index, { cause: signal.reason });
    if (record.kind === "expiration") await sendReminder(record.oldImage?.["address"]?.S, record.eventId);
  }
};

export const handler = createLambdaHandler(remind);
export const mapping = eventSourceMapping(EXPIRATIONS_FILTER); // only what time to live removed
//#endregion handler
