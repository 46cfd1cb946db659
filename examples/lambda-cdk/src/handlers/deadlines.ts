import { createBellHandler } from "@tuppence/scheduler/lambda";
import type { DynamoDBStreamHandler } from "aws-lambda";
import { targets } from "../deadlines.ts";
import { place } from "../place.ts";

/** Has deadlines pass, as soon as time to live rings for them. */
export const handler: DynamoDBStreamHandler = createBellHandler({ ...place, targets });
