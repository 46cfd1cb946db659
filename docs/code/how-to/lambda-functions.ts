//#region functions
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { createProjectionHandler } from "@tuppence/projections/lambda";
import { createQueueHandler } from "@tuppence/queue/lambda";
import { createLogHandler } from "@tuppence/stream-adapter/lambda";
import { orderEvents } from "./order-events.ts";
import { orderSummaries } from "./order-summaries.ts";

/** Puts what was appended into the global log. */
export const createLogFunction = (client: DynamoDBClient) => createLogHandler({ client });

/** Brings what is new in the log into the read models. */
export const createReadModelFunction = (client: DynamoDBClient) =>
  createProjectionHandler({
    client,
    store: createEventStore({ client, events: orderEvents }),
    projections: [orderSummaries],
  });

/** Handles the messages of the queue `letters`, which has tables of its own. */
export const createPostFunction = (client: DynamoDBClient) =>
  createQueueHandler<string>({
    client,
    tablePrefix: "post",
    queue: "letters",
    group: "post",
    onFailure: "parkKey",
    handler: ({ body, key }) => console.log("letter", key, body),
  });
//#endregion functions
