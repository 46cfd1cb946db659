import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { LocalClientConfig } from "@tuppence/local";
import {
  type EventSourceMapping,
  inProcessFunction,
  type LocalFunction,
  mappingOptions,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import {
  createLogHandler,
  type EventSourceMappingSettings,
  logEventSourceMapping,
} from "@tuppence/stream-adapter/lambda";

/** Connects a function with the stream of a store's events, as AWS would from the same settings. */
export function connectFunction(wiring: {
  readonly config: LocalClientConfig;
  readonly tablePrefix: string;
  readonly function: LocalFunction;
  readonly settings: EventSourceMappingSettings;
}): Promise<EventSourceMapping> {
  const { config, tablePrefix, function: fn, settings } = wiring;
  return startEventSourceMapping({
    config,
    tableName: `${tablePrefix}-events`,
    function: fn,
    ...mappingOptions(settings),
  });
}

/** Brings the events of a store into its log, in this process. */
export function feedLog(config: LocalClientConfig, tablePrefix: string): Promise<EventSourceMapping> {
  const log = inProcessFunction({
    name: "log",
    timeoutMs: 60_000,
    handler: createLogHandler({ client: new DynamoDBClient(config), tablePrefix }),
  });
  return connectFunction({ config, tablePrefix, function: log, settings: logEventSourceMapping() });
}
