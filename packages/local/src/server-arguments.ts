import { randomUUID } from "node:crypto";

export interface ServerArguments {
  readonly port: number;
  /** The folder as the server sees it; default: in memory. */
  readonly dataDir: string | undefined;
  /** Comes back in the header Access-Control-Allow-Origin, when a request has it as its Origin. */
  readonly serverName: string;
}

/**
 * Returns a name for one server. Somebody else's DynamoDB Local may listen on the port that ours failed to get,
 * and would answer just as well: the name in an answer's headers tells the two apart.
 */
export function newServerName(): string {
  return `http://${randomUUID()}.invalid`;
}

/**
 * Returns DynamoDB Local's own arguments; never `-sharedDb`, so that every access key id has its own database.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html
 */
export function serverArguments({ port, dataDir, serverName }: ServerArguments): readonly string[] {
  return [
    "-disableTelemetry",
    "-port",
    String(port),
    "-cors",
    serverName,
    ...(dataDir === undefined ? ["-inMemory"] : ["-dbPath", dataDir]),
  ];
}
