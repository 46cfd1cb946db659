import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { runRaces } from "./run-races.ts";
import { schoolEvents } from "./school-events.ts";

// The AWS SDK warns at each start on Node 20, which this project supports: this is the SDK's own switch for that.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

await using server = await startDynamoDBLocal();
const client = new DynamoDBClient(server.clientConfig(`decisions${process.pid}`));
const open = () => createEventStore({ client, events: schoolEvents });
await open().ensureTables();
const meter = meterCapacity(client, { tables: [eventsTable()] });

for (const { title, stored, nothing, refused, numbers } of await runRaces(open)) {
  const outcomes = [
    `${stored} stored`,
    ...Object.entries(refused).map(([reason, count]) => `${count} ${reason}`),
    ...(nothing > 0 ? [`${nothing} with nothing to do`] : []),
    ...(numbers.length > 0 ? [`numbers ${numbers.join(" ")}`] : []),
  ];
  console.log(`${title.padEnd(32)}${outcomes.join(", ")}`);
}

const { requests, readUnits, writeUnits } = meter.total();
console.log(`\n${requests} requests, ${readUnits} read units, ${writeUnits} write units`);
client.destroy();
