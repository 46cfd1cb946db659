import { sendReminder } from "./reminders.ts";
//#region worker
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createStreamWorker, oneByOne } from "@tuppence/stream-adapter";

const worker = createStreamWorker({
  client: new DynamoDBClient(),
  streams: new DynamoDBStreamsClient(),
  tableName: "reminders",
  group: "reminders", // workers of one group share the shards; groups know nothing of each other
  handler: oneByOne(async (record) => {
    if (record.kind === "expiration") await sendReminder(record.oldImage?.["address"]?.S, record.eventId);
  }),
  onGap: async (gap) => console.error("Records were dropped before they were read.", gap),
});
//#endregion worker

export { worker };
