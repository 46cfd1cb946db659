import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import {
  type EventSourceMapping,
  inProcessFunction,
  mappingOptions,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import { createLogHandler, logEventSourceMapping } from "@tuppence/stream-adapter/lambda";

/** Feeds the log of a database's store, for pages that are about something else. */
export async function feedLog(database: string, client: DynamoDBClient): Promise<EventSourceMapping> {
  const local = await startDynamoDBLocal({ log: false });
  return startEventSourceMapping({
    config: local.clientConfig(database),
    tableName: "tuppence-events",
    ...mappingOptions(logEventSourceMapping()),
    function: inProcessFunction({ name: "log", handler: createLogHandler({ client }), timeoutMs: 30_000 }),
  });
}
