export { DEFAULT_DATABASE, type LocalClientConfig } from "./client-config.ts";
export {
  DynamoDBEndpointError,
  DynamoDBLocalStartError,
  DynamoDBLocalUnavailableError,
  type UnavailableReasons,
} from "./errors.ts";
export {
  DEFAULT_START_TIMEOUT_MS,
  type DynamoDBLocal,
  startDynamoDBLocal,
  type StartOptions,
} from "./start-dynamodb-local.ts";
