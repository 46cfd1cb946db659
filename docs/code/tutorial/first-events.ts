//#region open
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, VersionConflictError } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { meetupEvents } from "./meetup-events.ts";

const local = await startDynamoDBLocal();
const client = new DynamoDBClient(local.clientConfig("firstevents")); // a database of that name, empty at first
const store = createEventStore({ client, events: meetupEvents });
await store.ensureTables();
//#endregion open

//#region append
await store.append("meetup|april", [
  { type: "MeetupPlanned", data: { title: "Event sourcing on a budget", places: 2 } },
]);
const { version } = await store.append("meetup|april", [
  { type: "GuestRegistered", data: { guest: "Ada" } },
  { type: "GuestRegistered", data: { guest: "Grace" } },
]);
console.log("meetup|april is at version", version);
//#endregion append

//#region read
for await (const event of store.read("meetup|april")) {
  console.log(event.version, event.type, event.data);
}
//#endregion read

//#region conflict
const late = [{ type: "GuestRegistered", data: { guest: "Edsger" } }] as const;
try {
  await store.append("meetup|april", late, { expectedVersion: 1 });
} catch (error) {
  if (!(error instanceof VersionConflictError)) throw error;
  console.log(error.code, "expected", error.expected, "actual", error.actual);
}
//#endregion conflict

//#region stop
client.destroy();
await local.stop();
//#endregion stop
