import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createLogHandler } from "@tuppence/stream-adapter/lambda";

export const handler = createLogHandler({ client: new DynamoDBClient() });
