import type { DynamoDBLocal } from "@tuppence/local";
import type { PostgresServer } from "./postgres/postgres-server.ts";

/** What contenders run on. */
export interface Servers {
  readonly dynamodb: DynamoDBLocal;
  readonly postgres: PostgresServer;
}
