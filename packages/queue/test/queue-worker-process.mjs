import { appendFileSync } from "node:fs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createQueue } from "@tuppence/queue";

/**
 * A process with two consumers, as its user would write it: built packages, plain Node. Its argument is the configuration as JSON;
 * each thing that happens is a line of its output. SIGTERM stops it.
 */

const { config, tablePrefix, queueName, ledgerTable, lettersFile, workerId, leaseDurationMs } = JSON.parse(
  process.argv[2] ?? "{}",
);
const client = new DynamoDBClient(config);
const queue = createQueue({ client, tablePrefix, name: queueName });
const say = (line) => process.stdout.write(`${line}\n`);

const options = {
  workerId,
  leaseDurationMs,
  maxIdleMs: 100,
  onEvent(happened) {
    const { type, resource, lane, error } = happened.type === "lease" ? happened.event : happened;
    if (error !== undefined && type !== "retrying") console.error(type, error);
    say(`${type} ${happened.group} ${resource ?? lane}`);
  },
};

/** One more for each message, and the last of each key: refused by its condition if that is not behind the one before. */
const entries = (messages) => {
  const keys = new Map(messages.map(({ key, position }) => [key, position]));
  const update = (p, expression, value, condition) => ({
    Update: {
      TableName: ledgerTable,
      Key: { p: { S: p } },
      UpdateExpression: expression,
      ExpressionAttributeNames: { "#n": "n" },
      ExpressionAttributeValues: { ":n": { N: String(value) } },
      ...condition,
    },
  });
  return [
    ...messages.map(({ position }) => update(`message ${position}`, "ADD #n :n", 1)),
    ...Array.from(keys, ([key, position]) =>
      update(`key ${key}`, "SET #n = :n", position, {
        ConditionExpression: "attribute_not_exists(#n) OR #n < :n",
      }),
    ),
  ];
};

const ledger = queue.consume("ledger", entries, { ...options, mode: "transaction", batchSize: 10, lanes: 3 });
const letters = queue.consume("letters", ({ position }) => appendFileSync(lettersFile, `${position}\n`), {
  ...options,
  ackEvery: 5,
});

process.once("SIGTERM", () => {
  void Promise.all([ledger.stop(), letters.stop()]).then(() => process.exit(0));
});
say(`starts ${workerId}`);
await Promise.all([ledger.start(), letters.start()]);

// Whoever started it is gone.
process.stdin.on("end", () => process.exit(2)).resume();
