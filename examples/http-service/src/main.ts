import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { serve } from "@hono/node-server";
import { createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { accountEvents } from "./account.ts";
import { createApp } from "./app.ts";

// The AWS SDK warns at each start on Node 20, which this project supports: this is the SDK's own switch for that.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const dynamodb = await startDynamoDBLocal(); // or your own: new DynamoDBClient({ region: "eu-west-1" })
const client = new DynamoDBClient(dynamodb.clientConfig(`http${process.pid}`));
const store = createEventStore({ client, events: accountEvents });
await store.ensureTables();

const port = Number(process.env["PORT"] ?? 3000);
const server = serve({ fetch: createApp(store).fetch, port, hostname: "127.0.0.1" }, (address) =>
  console.log(`http://127.0.0.1:${address.port}`),
);

// Requests that are under way are answered; then nothing holds the process any more.
process.once("SIGTERM", () => {
  server.close(() => {
    client.destroy();
    void dynamodb.stop();
  });
});
