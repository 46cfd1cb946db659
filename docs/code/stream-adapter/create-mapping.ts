import { CreateEventSourceMappingCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { logEventSourceMapping } from "@tuppence/stream-adapter/lambda";

const EventSourceArn =
  "arn:aws:dynamodb:eu-central-1:123456789012:table/tuppence-events/stream/2026-01-01T00:00:00.000";
await new LambdaClient().send(
  new CreateEventSourceMappingCommand({ FunctionName: "log", EventSourceArn, ...logEventSourceMapping() }),
);
