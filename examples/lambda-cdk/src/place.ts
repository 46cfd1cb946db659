import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient();
const tablePrefix = process.env["TABLE_PREFIX"] ?? "permits";

/** Where all is kept: made once for all invocations of a function. */
export const place = { client, tablePrefix };
