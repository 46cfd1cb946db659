import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { type LocalClientConfig, startDynamoDBLocal } from "@tuppence/local";

const server = await startDynamoDBLocal({ log: false });

/** A client of a database that only this name uses: DynamoDB Local keeps one for each access key id. */
export function connect(database: string, config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({ ...configOf(database), ...config });
}

/** What leads to such a database, for other processes and functions. */
export function configOf(database: string): LocalClientConfig {
  return server.clientConfig(database);
}

/** The environment that leads a function's own clients to a local database, as its role would on Lambda. */
export function environmentOf(config: LocalClientConfig): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: config.endpoint,
    AWS_REGION: config.region,
    AWS_ACCESS_KEY_ID: config.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: config.credentials.secretAccessKey,
  };
}
