//#region handler
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { commitIdFrom, createCommandHandler, createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { meetup, MeetupFullError } from "./meetup.ts";
import { meetupEvents } from "./meetup-events.ts";

const local = await startDynamoDBLocal();
const client = new DynamoDBClient(local.clientConfig("register"));
const store = createEventStore({ client, events: meetupEvents });
await store.ensureTables();
const handle = createCommandHandler({ store, decider: meetup });
//#endregion handler

//#region race
await handle("meetup|april", { kind: "plan", title: "Event sourcing on a budget", places: 2 });

const guests = ["Ada", "Grace", "Edsger", "Barbara"];
const results = await Promise.allSettled(
  guests.map((guest) => handle("meetup|april", { kind: "register", guest })),
);
const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
console.log(results.length - refused.length, "registered");
for (const reason of refused) console.log(reason instanceof MeetupFullError, reason.message);
//#endregion race

//#region again
const june = { kind: "plan", title: "Serverless summer", places: 20 } as const;
const request = { commitId: commitIdFrom("request-17") }; // what the client calls its request
const first = await handle("meetup|june", june, request);
const again = await handle("meetup|june", june, request);
console.log(first.version, first.duplicate);
console.log(again.version, again.duplicate);
//#endregion again

//#region stop
client.destroy();
await local.stop();
//#endregion stop
