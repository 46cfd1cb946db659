import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import { UsageError } from "./usage-error.ts";

/** The arguments that say which store is meant; all commands have them. */
export const CONNECTION_ARGS: {
  readonly prefix: { type: "string"; description: string; default: string };
  readonly region: { type: "string"; description: string };
  readonly endpoint: { type: "string"; description: string; valueHint: string };
  readonly database: { type: "string"; description: string };
} = {
  prefix: { type: "string", description: "Prefix of the tables' names", default: DEFAULT_TABLE_PREFIX },
  region: { type: "string", description: "AWS Region (else AWS_REGION, or that of the profile)" },
  endpoint: { type: "string", description: "DynamoDB Local, or another endpoint", valueHint: "url" },
  database: {
    type: "string",
    description: "Database in DynamoDB Local (else AWS_ACCESS_KEY_ID, or tuppence)",
  },
};

export interface ConnectionArgs {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly database?: string | undefined;
}

/** The database of DynamoDB Local that `@tuppence/local` takes when none is named. */
const DEFAULT_DATABASE = "tuppence";

/**
 * A client of the store that is meant. Credentials come from where all AWS tools have them, but not for an endpoint on this
 * machine: DynamoDB Local checks none, and takes the access key id as the name of a database.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html
 */
export function connect(args: ConnectionArgs, env: NodeJS.ProcessEnv): DynamoDBClient {
  return new DynamoDBClient(clientConfig(args, env));
}

/** @throws UsageError for an endpoint that is no URL, a database without an endpoint, or one that can't be. */
export function clientConfig(args: ConnectionArgs, env: NodeJS.ProcessEnv): DynamoDBClientConfig {
  const { region, endpoint } = args;
  if (endpoint === undefined) {
    if (args.database !== undefined) throw new UsageError("--database needs --endpoint.");
    return region === undefined ? {} : { region };
  }
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new UsageError(
      `--endpoint is ${JSON.stringify(endpoint)}; it has to be a URL such as http://127.0.0.1:8000.`,
    );
  }
  const database = args.database ?? (isLoopback(endpoint) ? localDatabase(env) : undefined);
  if (database === undefined) return { endpoint, ...(region !== undefined && { region }) };
  if (!/^[A-Za-z0-9]+$/.test(database)) {
    throw new UsageError(`--database is ${JSON.stringify(database)}; it has letters and digits only.`);
  }
  return {
    endpoint,
    region: region ?? (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || "us-east-1"),
    credentials: { accessKeyId: database, secretAccessKey: "local" },
  };
}

function localDatabase(env: NodeJS.ProcessEnv): string {
  return env["AWS_ACCESS_KEY_ID"] || DEFAULT_DATABASE;
}

function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Where a command on DynamoDB Local has looked, to be said when it found nothing there; undefined for AWS. */
export function describeDatabase(args: ConnectionArgs, env: NodeJS.ProcessEnv): string | undefined {
  const { credentials, region } = clientConfig(args, env);
  if (credentials === undefined || typeof credentials === "function") return undefined;
  return `database ${credentials.accessKeyId}, region ${String(region)}, of ${args.endpoint}`;
}
