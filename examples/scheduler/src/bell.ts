import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { bellEventSourceMapping, createBellHandler } from "@tuppence/scheduler/lambda";
import { inboxEvents, reminderTargets } from "./reminders.ts";

// A Lambda function that fires what is due when TTL has removed a doorbell: nothing runs, and nothing is paid, until then. Client and store
// are made once, for as long as the environment lives.
const client = new DynamoDBClient();
const store = createEventStore({ client, events: inboxEvents });

export const handler: ReturnType<typeof createBellHandler> = createBellHandler({
  client,
  targets: reminderTargets(store),
});

/** How the stream of `tuppence-schedules` is connected with it: for your infrastructure code. */
export const mapping = bellEventSourceMapping();
