//#region handler
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createLogFunction } from "./lambda-functions.ts";

export const handler = createLogFunction(new DynamoDBClient());
//#endregion handler
