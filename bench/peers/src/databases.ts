import { DynamoDB, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { DynamoDBLocal } from "@tuppence/local";
import type { Peer, PeerStore } from "./peer.ts";

/** What all peers run against. */
export interface Servers {
  readonly local: DynamoDBLocal;
  /** The endpoint of a bucket. */
  readonly bucket: string;
}

/** A new database with the tables of one peer, and nothing in them. */
export interface Database extends AsyncDisposable {
  /** Another client of it, with the SDK's own settings: connections kept alive, 50 at most, 3 attempts. */
  readonly connect: () => DynamoDB;
  /** The peer's store, on a client of its own unless it is given one. */
  readonly openStore: (client?: DynamoDB) => PeerStore;
}

let opened = 0;

/** Opens a database for each use, so that all tables are equally fresh; its tables go with it. */
export async function openDatabase({ local, bucket }: Servers, peer: Peer): Promise<Database> {
  const config: DynamoDBClientConfig = local.clientConfig(`peers${process.pid}x${opened++}`);
  const clients: DynamoDB[] = [];
  const connect = (): DynamoDB => {
    const client = new DynamoDB(config);
    clients.push(client);
    return client;
  };
  const owner = connect();
  for (const table of peer.tables) await owner.createTable(table);
  return {
    connect,
    openStore: (client = connect()) => peer.open(client, bucket),
    async [Symbol.asyncDispose]() {
      for (const { TableName } of peer.tables) await owner.deleteTable({ TableName });
      for (const client of clients) client.destroy();
    },
  };
}
