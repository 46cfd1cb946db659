export {
  createRelayHandler,
  type RelayHandlerOptions,
  relayEventSourceMapping,
} from "./create-relay-handler.ts";
export { createSqsRelay, type SqsRelayOptions } from "./create-sqs-relay.ts";
