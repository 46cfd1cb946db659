import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { append, call, createSchedulerWorker } from "@tuppence/scheduler";

/**
 * A process with a scheduler worker, as its user would write it: built packages, plain Node. Its argument is the configuration as JSON; each
 * occurrence that a function in it is called with is a line of its output. SIGTERM stops it.
 */

const { config, workerId, leaseDurationMs, aheadMs = 0 } = JSON.parse(process.argv[2] ?? "{}");
const client = new DynamoDBClient(config);
const store = createEventStore({ client });
const say = (line) => process.stdout.write(`${line}\n`);

const worker = createSchedulerWorker({
  client,
  workerId,
  leaseDurationMs,
  runtime: { now: () => Date.now() + aheadMs },
  targets: {
    say: call(({ id, payload, fireAt }) => say(`fired ${String(payload)} ${id} ${Date.now() - fireAt.getTime()}`), {
      timeoutMs: 1_000,
    }),
    write: append({
      store,
      streamId: ({ payload }) => `fired|${String(payload)}`,
      events: ({ payload, id }) => [{ type: "Fired", data: { payload, id } }],
      timeoutMs: 5_000,
    }),
  },
  onEvent: (event) => {
    const { type, error } = event.type === "lease" ? event.event : event;
    if (error !== undefined) console.error(type, error);
  },
});
process.once("SIGTERM", () => void worker.stop().then(() => process.exit(0)));
say(`starts ${worker.workerId}`);
worker.start();

// Whoever started it is gone.
process.stdin.on("end", () => process.exit(2)).resume();
