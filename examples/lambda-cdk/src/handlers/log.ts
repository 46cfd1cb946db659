import { createLogHandler } from "@tuppence/stream-adapter/lambda";
import type { DynamoDBStreamHandler } from "aws-lambda";
import { place } from "../place.ts";

/** Gives every event its position in the log. */
export const handler: DynamoDBStreamHandler = createLogHandler(place);
