//#region functions
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { createProjectionHandler } from "@tuppence/projections/lambda";
import { createLogHandler } from "@tuppence/stream-adapter/lambda";
import { guestMeetups } from "./guest-meetups.ts";
import { meetupEvents } from "./meetup-events.ts";

/** Puts what was appended into the global log. */
export const createLogFunction = (client: DynamoDBClient) => createLogHandler({ client });

/** Brings what is new in the log into the read models. */
export const createReadModelFunction = (client: DynamoDBClient) =>
  createProjectionHandler({
    client,
    store: createEventStore({ client, events: meetupEvents }),
    projections: [guestMeetups],
  });
//#endregion functions
