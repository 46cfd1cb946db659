//#region open
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createCommandHandler, createEventStore, ensureTables } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { createProjections, createProjectionWorker } from "@tuppence/projections";
import { createLogWorker } from "@tuppence/stream-adapter";
import { guestMeetups } from "./guest-meetups.ts";
import { meetup } from "./meetup.ts";
import { meetupEvents } from "./meetup-events.ts";

const local = await startDynamoDBLocal();
const client = new DynamoDBClient(local.clientConfig("readmodel"));
const streams = new DynamoDBStreamsClient(local.clientConfig("readmodel"));
const store = createEventStore({ client, events: meetupEvents });
const projections = createProjections({ client, store });
await Promise.all([ensureTables({ client }), projections.ensureTables()]);
//#endregion open

//#region log
const logWorker = createLogWorker({ client, streams });
logWorker.start();

const handle = createCommandHandler({ store, decider: meetup });
await handle("meetup|april", { kind: "plan", title: "Event sourcing on a budget", places: 2 });
const { streamId, version } = await handle("meetup|april", { kind: "register", guest: "Ada" });

await store.waitFor(streamId, version);
for await (const { position, streamId: stream, type } of store.readAll()) {
  console.log(position, stream, type);
}
//#endregion log

//#region worker
const worker = createProjectionWorker({ client, store, projections: [guestMeetups] });
worker.start();
//#endregion worker

//#region read
const guests = projections.documents(guestMeetups);
await handle("meetup|june", { kind: "plan", title: "Serverless summer", places: 20 });
const registered = await handle("meetup|june", { kind: "register", guest: "Ada" });
console.log(await guests.get("Ada", { after: registered }));
//#endregion read

//#region stop
await Promise.all([worker.stop(), logWorker.stop()]);
client.destroy();
streams.destroy();
await local.stop();
//#endregion stop
