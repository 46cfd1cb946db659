import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createWork, DRAIN_MS } from "./work.ts";

// The AWS SDK warns at each start on Node 20, which this project supports: this is the SDK's own switch for that.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

/** When a process that was told to stop is gone at the latest, in milliseconds: below the 30 seconds that ECS and Kubernetes give it. */
const STOP_WITHIN_MS = DRAIN_MS + 7_000;

// Region, credentials and endpoint are those of the environment.
const client = new DynamoDBClient();
const streams = new DynamoDBStreamsClient();
const work = createWork({
  client,
  streams,
  leaseDurationMs: Number(process.env["LEASE_DURATION_MS"] ?? 10_000),
  log: (source, event) => {
    if ("error" in event) console.error(source, event);
  },
});

let stopping = false;
async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  process.exitCode = exitCode;
  // Whatever hangs: what is not done by then is done by others, as after a crash.
  setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
  await work.stop();
  client.destroy();
  streams.destroy();
  console.log("stopped");
}

process.on("SIGTERM", () => void stop(0));
process.on("SIGINT", () => void stop(0));
work.failed.addEventListener("abort", () => {
  console.error("The work can't go on.", work.failed.reason);
  void stop(1);
});

await work.start();
console.log("started");
