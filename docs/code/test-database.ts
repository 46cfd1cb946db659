import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";

const server = await startDynamoDBLocal({ log: false });

/** A client of a database that only this name uses: DynamoDB Local keeps one for each access key id. */
export function connect(database: string): DynamoDBClient {
  return new DynamoDBClient(server.clientConfig(database));
}
