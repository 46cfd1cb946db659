import { createProjectionHandler } from "@tuppence/projections/lambda";
import type { DynamoDBStreamHandler } from "aws-lambda";
import { paperwork } from "../paperwork.ts";
import { store } from "../permit-store.ts";
import { permits } from "../permits.ts";
import { place } from "../place.ts";

/** Keeps the documents up to date, and does the paperwork that events ask for. */
export const handler: DynamoDBStreamHandler = createProjectionHandler({
  ...place,
  store,
  projections: [permits, paperwork],
});
