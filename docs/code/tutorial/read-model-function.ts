//#region handler
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createReadModelFunction } from "./functions.ts";

export const handler = createReadModelFunction(new DynamoDBClient());
//#endregion handler
