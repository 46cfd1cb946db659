import { existsSync, writeFileSync } from "node:fs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createSequencer } from "@tuppence/core";
import { logRecordsHandler, StoppedAtRecordError } from "@tuppence/stream-adapter";
import { createLambdaHandler, createLogHandler } from "@tuppence/stream-adapter/lambda";

/** Handlers of a function's bundle, as their user would write them: built packages, plain Node, settings from the environment. */

const client = new DynamoDBClient({});

export const handler = createLogHandler({ client });

/** Once, does its work and does not come to its end before its time is up. A file tells those who come later. */
export const stallsOnce = async (event, context) => {
  const reply = await handler(event, context);
  if (!existsSync(process.env.STALLED)) {
    writeFileSync(process.env.STALLED, "");
    await new Promise(() => setInterval(() => undefined, 1_000));
  }
  return reply;
};

const sequence = logRecordsHandler(createSequencer({ client }), {});

/** Gets half of each batch done. */
export const halves = createLambdaHandler(
  async (records, context) => {
    const half = Math.ceil(records.length / 2);
    await sequence(records.slice(0, half), context);
    if (half < records.length) throw new StoppedAtRecordError(half, { cause: new Error("half is enough") });
  },
  { logger: { warn: () => undefined, error: () => undefined } },
);
