//#region worker
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createLogWorker } from "@tuppence/stream-adapter";

const worker = createLogWorker({
  client: new DynamoDBClient(),
  streams: new DynamoDBStreamsClient(),
  onEvent: (event) => {
    if (event.type === "blocked" || event.type === "failed") console.error(event);
  },
});
await worker.ensureTables(); // the table of the leases, tuppence-control
worker.start();
worker.failed.addEventListener("abort", () => process.exit(1)); // no permission, no such table: nothing but a change helps
process.once("SIGTERM", () => void worker.stop()); // lets its leases go, for others to go on at once
//#endregion worker

export { worker };
