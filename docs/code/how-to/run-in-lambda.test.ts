import { beforeEach, expect } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";

let printed: string[] = [];
beforeEach(() => {
  printed = capturePrinted();
});

//#region test
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, ensureTables } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import {
  type Handler,
  inProcessFunction,
  mappingOptions,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import { createProjections } from "@tuppence/projections";
import { projectionEventSourceMapping } from "@tuppence/projections/lambda";
import { createQueue } from "@tuppence/queue";
import { queueEventSourceMapping } from "@tuppence/queue/lambda";
import { type EventSourceMappingSettings, logEventSourceMapping } from "@tuppence/stream-adapter/lambda";
import { it } from "vitest";
import { createLogFunction, createPostFunction, createReadModelFunction } from "./lambda-functions.ts";
import { orderEvents } from "./order-events.ts";
import { orderSummaries } from "./order-summaries.ts";

it("goes from an append to the document, and from a message to its handler", async () => {
  const local = await startDynamoDBLocal();
  const config = local.clientConfig("howtolambda");
  const client = new DynamoDBClient(config);
  await ensureTables({ client });
  await createProjections({ client }).ensureTables();
  const queue = createQueue({ client, tablePrefix: "post", name: "letters" });
  await queue.ensureTables();
  const map = (name: string, handler: Handler, settings: EventSourceMappingSettings) =>
    startEventSourceMapping({
      config,
      tableName: name === "post" ? "post-events" : "tuppence-events",
      ...mappingOptions(settings),
      function: inProcessFunction({ name, handler, timeoutMs: 30_000 }),
    });
  await using logMapping = await map("log", createLogFunction(client), logEventSourceMapping());
  await using readModelMapping = await map(
    "read-models",
    createReadModelFunction(client),
    projectionEventSourceMapping(),
  );
  await using postMapping = await map("post", createPostFunction(client), queueEventSourceMapping("letters"));
  //#endregion test

  //#region write
  const store = createEventStore({ client, events: orderEvents });
  const placed = { type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } } as const;
  const result = await store.append("order|1", [placed]);
  await queue.enqueue({ body: "Thank you.", key: "order|1" });
  await postMapping.whenCaughtUp();

  const summaries = createProjections({ client, store }).documents(orderSummaries);
  console.log(await summaries.get("order|1", { after: result }));
  //#endregion write
  expect([logMapping, readModelMapping].map(({ stats }) => stats.failures)).toEqual([0, 0]);
  await queue.close();
  await expectAllShown("how-to/run-in-lambda.md", printed, { write: 2 });
});
