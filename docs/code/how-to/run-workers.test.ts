import { ensureTables } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { expect, it } from "vitest";
import { connect } from "@tuppence/test-support/database";
//#region imports
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore } from "@tuppence/core";
import { createProjections, createProjectionWorker } from "@tuppence/projections";
import { createQueue } from "@tuppence/queue";
import { createLogWorker } from "@tuppence/stream-adapter";
import { orderEvents } from "./order-events.ts";
import { orderSummaries } from "./order-summaries.ts";
//#endregion imports

it("runs a log, a projection and a consumer in one process", async () => {
  const local = await startDynamoDBLocal({ log: false });
  const client = connect("howtoworkers");
  const streams = new DynamoDBStreamsClient(local.clientConfig("howtoworkers"));
  const printed: string[] = [];
  const send = async (body: unknown): Promise<void> => void printed.push(String(body));
  await ensureTables({ client });
  await createProjections({ client }).ensureTables();

  //#region start
  const store = createEventStore({ client, events: orderEvents });
  const queue = createQueue({ client, name: "letters" });
  const logWorker = createLogWorker({
    client,
    streams,
    onEvent: (event) => {
      if (event.type === "blocked" || event.type === "failed") console.error(event);
    },
  });
  const projectionWorker = createProjectionWorker({
    client,
    store,
    projections: [orderSummaries],
    onEvent: (event) => {
      if (event.type === "parked" || event.type === "halted") console.error(event);
    },
  });
  const consumer = queue.consume("post", ({ body }) => send(body), { lanes: 4, onFailure: "parkKey" });

  logWorker.start();
  projectionWorker.start();
  await consumer.start();
  //#endregion start

  //#region stop
  const stop = async (): Promise<void> => {
    await Promise.all([logWorker.stop(), projectionWorker.stop(), consumer.stop()]);
    await queue.close();
  };
  const onSignal = (): void => void stop();
  process.once("SIGTERM", onSignal); // what is under way ends, positions are stored, and the work goes to others at once
  logWorker.failed.addEventListener("abort", () => process.exit(1)); // no table, no permission: nothing but a change helps
  //#endregion stop
  process.off("SIGTERM", onSignal);

  const placed = { type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } } as const;
  const result = await store.append("order|1", [placed]);
  await queue.enqueue({ body: "a letter" });
  const documents = createProjections({ client, store }).documents(orderSummaries);
  expect(await documents.get("order|1", { after: result })).toMatchObject({ status: "open" });
  await consumer.caughtUp();
  expect(printed).toEqual(["a letter"]);
  await stop();
  streams.destroy();
});
