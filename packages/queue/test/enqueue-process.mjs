import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createQueue } from "@tuppence/queue";

/**
 * A process with several writers, as its user would write it: built packages, plain Node. Its argument is the configuration as JSON; each
 * message that was enqueued is a line of its output.
 */

const { config, name, process: own, writers, messages, producer } = JSON.parse(process.argv[2] ?? "{}");
const queue = createQueue({ client: new DynamoDBClient(config), name, producer });

const write = async (writer) => {
  const by = `${own}-${writer}`;
  for (let number = 1; number <= messages; number++) {
    const { positions } = await queue.enqueue({ body: { by, number }, key: by, messageId: `${by}/${number}` });
    process.stdout.write(`${by} ${number} ${positions[0]}\n`);
  }
};

/** Goes on with the producer's messages where it was. */
const produce = async () => {
  const { sequence } = await queue.producerState();
  for (let number = sequence + 1; number <= messages; number++) {
    const { positions } = await queue.enqueue({ body: { by: producer.id, number } }, { sequence: number });
    process.stdout.write(`${producer.id} ${number} ${positions[0]}\n`);
  }
};

// Whoever started it is gone.
process.stdin.on("end", () => process.exit(2)).resume();

await (producer === undefined ? Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))) : produce());
await queue.close();
process.exit(0);
