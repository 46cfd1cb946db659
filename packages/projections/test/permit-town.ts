import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, type EventStore, type LoggedEvent } from "@tuppence/core";
import { type LocalClientConfig, startDynamoDBLocal } from "@tuppence/local";
import { onTestFinished } from "vitest";
import { createProjections, type Projections } from "../src/projections.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";
import { foldPermits, type Model, problemsOfLetters, readDocuments, readLedger } from "./permit-models.ts";

/** A town's event store with the projections of `permit-projections.mjs`, in a database of its own. */

export const TABLE_PREFIX = "town";

const tablePrefix = TABLE_PREFIX;
const ledgerTable = "ledger";

export interface Town {
  readonly config: LocalClientConfig;
  readonly client: DynamoDBClient;
  readonly ledgerTable: string;
  readonly store: EventStore;
  readonly storage: ProjectionStorage;
  readonly projections: Projections;
  readonly folder: string;
  readonly lettersFile: string;
  /** For worker processes. */
  readonly options: object;
}

/** An empty store, and what its projections write to. */
export async function openTown(database: string): Promise<Town> {
  const config = (await startDynamoDBLocal({ log: false })).clientConfig(database);
  const client = new DynamoDBClient(config);
  const store = createEventStore({ client, tablePrefix });
  const storage = createDynamoDBProjectionStorage(client, tablePrefix);
  await Promise.all([
    store.ensureTables(),
    storage.ensureTables(),
    client.send(
      new CreateTableCommand({
        TableName: ledgerTable,
        AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    ),
  ]);
  const folder = await mkdtemp(join(tmpdir(), "tuppence-town-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const lettersFile = join(folder, "letters");
  return {
    config,
    client,
    ledgerTable,
    store,
    storage,
    folder,
    projections: createProjections({ client, tablePrefix }),
    lettersFile,
    options: {
      config,
      tablePrefix,
      ledgerTable,
      lettersFile,
      leaseDurationMs: 2_000,
      pollIntervalMs: 150,
      checkpointIntervalMs: 300,
    },
  };
}

export async function logEnd(store: EventStore): Promise<number> {
  for await (const { position } of store.readAll({
    direction: "backward",
    limit: 1,
    consistency: "strong",
  })) {
    return position;
  }
  return 0;
}

export async function readLog(store: EventStore): Promise<LoggedEvent[]> {
  const log: LoggedEvent[] = [];
  for await (const event of store.readAll({ consistency: "strong" })) log.push(event);
  return log;
}

/** What is wrong with what the projections hold, nothing if nothing is, once all are at the log's end and nobody is at work. */
export async function problemsOfTown(town: Town): Promise<{
  readonly problems: readonly string[];
  /** How many there are. */
  readonly events: number;
  /** As they were written. */
  readonly letters: readonly string[];
}> {
  const { storage, projections } = town;
  const log = await readLog(town.store);
  const { parked, ...models } = foldPermits(log);
  const actual: Record<string, Model> = {};
  for (const { name, kind, live } of await projections.list()) {
    if (kind === "document") actual[name] = await readDocuments(storage, { name, live });
    if (kind === "handler") actual[name] = await readLedger(town, live.number);
  }
  const setAside: number[] = [];
  for await (const { position } of projections.parked("files")) setAside.push(position);
  const letters = (await readFile(town.lettersFile, "utf8")).trimEnd().split("\n");
  const problems = [...problemsOfLetters(letters, log)];
  for (const [name, model] of Object.entries({ ...models, parked })) {
    const held = name === "parked" ? setAside : actual[name];
    if (!isDeepStrictEqual(held, model)) {
      problems.push(`${name} is ${JSON.stringify(held)}, and has to be ${JSON.stringify(model)}`);
    }
  }
  return { problems, events: log.length, letters };
}
