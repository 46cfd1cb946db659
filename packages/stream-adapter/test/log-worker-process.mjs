import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createLogWorker } from "@tuppence/stream-adapter";

/**
 * A process with a log worker, as its user would write it: built packages, plain Node. Its argument is the configuration
 * as JSON; each thing that happens is a line of its output.
 */

const { config, ...options } = JSON.parse(process.argv[2] ?? "{}");

const worker = createLogWorker({
  ...options,
  client: new DynamoDBClient(config),
  streams: new DynamoDBStreamsClient(config),
  onEvent: ({ type, error }) => {
    if (error !== undefined) console.error(type, error);
    process.stdout.write(`${type}\n`);
  },
  onLate: (late) => process.stdout.write(`late ${JSON.stringify(late)}\n`),
});
worker.failed.addEventListener("abort", () => process.exit(1));
worker.start();

// Whoever started it is gone.
process.stdin.on("end", () => process.exit(2)).resume();
