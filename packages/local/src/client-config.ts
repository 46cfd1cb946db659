/** The part of a client's configuration that leads it to one database of a local server. */
export interface LocalClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The database of a client that does not name one. */
export const DEFAULT_DATABASE = "tuppence";

/**
 * Returns the configuration to spread into `new DynamoDBClient(...)`.
 *
 * @throws TypeError when `database` has other characters than letters and digits
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html
 */
export function localClientConfig(endpoint: string, database: string): LocalClientConfig {
  if (!/^[A-Za-z0-9]+$/.test(database)) {
    throw new TypeError(`A database's name has letters and digits only, not ${JSON.stringify(database)}`);
  }
  // DynamoDB Local keeps a database for each access key id and region, and checks no secret.
  return {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: database, secretAccessKey: "local" },
  };
}
