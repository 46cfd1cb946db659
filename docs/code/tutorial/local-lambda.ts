//#region open
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createCommandHandler, createEventStore, ensureTables } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { inProcessFunction, mappingOptions, startEventSourceMapping } from "@tuppence/local/lambda";
import { createProjections } from "@tuppence/projections";
import { projectionEventSourceMapping } from "@tuppence/projections/lambda";
import { logEventSourceMapping } from "@tuppence/stream-adapter/lambda";
import { createLogFunction, createReadModelFunction } from "./functions.ts";
import { guestMeetups } from "./guest-meetups.ts";
import { meetup } from "./meetup.ts";
import { meetupEvents } from "./meetup-events.ts";

const local = await startDynamoDBLocal();
const config = local.clientConfig("locallambda");
const client = new DynamoDBClient(config);
const store = createEventStore({ client, events: meetupEvents });
const projections = createProjections({ client, store });
await Promise.all([ensureTables({ client }), projections.ensureTables()]);
//#endregion open

//#region mappings
const stream = { config, tableName: "tuppence-events" };
const timeoutMs = 30_000;
const logMapping = await startEventSourceMapping({
  ...stream,
  ...mappingOptions(logEventSourceMapping()),
  function: inProcessFunction({ name: "log", handler: createLogFunction(client), timeoutMs }),
});
const readModelMapping = await startEventSourceMapping({
  ...stream,
  ...mappingOptions(projectionEventSourceMapping()),
  function: inProcessFunction({ name: "read-model", handler: createReadModelFunction(client), timeoutMs }),
});
//#endregion mappings

//#region run
const handle = createCommandHandler({ store, decider: meetup });
await handle("meetup|april", { kind: "plan", title: "Event sourcing on a budget", places: 2 });
const registered = await handle("meetup|april", { kind: "register", guest: "Ada" });

const guests = projections.documents(guestMeetups);
console.log(await guests.get("Ada", { after: registered }));
//#endregion run

//#region stop
await Promise.all([logMapping.stop(), readModelMapping.stop()]);
client.destroy();
await local.stop();
//#endregion stop
