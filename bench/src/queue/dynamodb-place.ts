import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Capacity, eventsTable, meterCapacity } from "@tuppence/core";
import { connectTo, type Database, openDatabase } from "../databases.ts";
import type { Servers } from "../servers.ts";
import type { OpenQueueOptions, QueuePlace } from "./queue-contender.ts";

/** A new database with the table of events, for a contender on DynamoDB. */
export async function setUpDatabase({ dynamodb }: Servers): Promise<QueuePlace> {
  const database = await openDatabase(dynamodb);
  return {
    place: JSON.stringify(database.connection),
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
    },
  };
}

export interface OpenedDatabase extends Database {
  readonly consumed: () => Capacity | undefined;
}

/** Opens it as a contender is to be opened. */
export function openPlace(
  place: string,
  { onReply, metered = false }: OpenQueueOptions = {},
): OpenedDatabase {
  const database = connectTo(JSON.parse(place) as Database["connection"]);
  if (onReply !== undefined) callOnReplies(database.client, onReply);
  const meter = metered ? meterCapacity(database.client, { tables: [eventsTable()] }) : undefined;
  return { ...database, consumed: () => meter?.total() };
}

function callOnReplies(client: DynamoDBClient, onReply: () => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      onReply();
      return result;
    },
    { step: "initialize", name: "tuppence-bench-replies" },
  );
}
