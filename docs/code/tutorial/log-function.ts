//#region handler
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createLogFunction } from "./functions.ts";

export const handler = createLogFunction(new DynamoDBClient());
//#endregion handler
