import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore, type EventStore } from "@tuppence/core";
import type { LocalClientConfig } from "@tuppence/local";
import { createProjections, type Projections } from "@tuppence/projections";
import { createQueue, type Queue, type QueueOptions } from "@tuppence/queue";
import { createScheduler, type Scheduler } from "@tuppence/scheduler";
import { type JobTargets, jobTargets } from "./jobs.ts";
import type { Letter } from "./letters.ts";

/** Where everything of a run is. */
export interface Place {
  readonly config: LocalClientConfig;
  /** Of the journals. */
  readonly folder: string;
}

const tablePrefix = "soak";

/** What handlers write in transactions. */
export const EFFECTS_TABLE = "soak-effects";

export const EVENTS_TABLE = "soak-events";

/** The parts of the library in one process. */
export interface OpenPlace {
  readonly tablePrefix: string;
  readonly folder: string;
  readonly client: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
  readonly store: EventStore;
  readonly projections: Projections;
  readonly targets: JobTargets;
  readonly scheduler: Scheduler<JobTargets>;
  readonly openQueue: (options?: Partial<QueueOptions>) => Queue<Letter>;
}

export function openPlace({ config, folder }: Place): OpenPlace {
  const client = new DynamoDBClient(config);
  const store = createEventStore({ client, tablePrefix });
  const openQueue = (options: Partial<QueueOptions> = {}): Queue<Letter> =>
    createQueue({ name: "letters", ...options, client, tablePrefix }) as Queue<Letter>;
  const targets = jobTargets({ folder, store, queue: openQueue({ name: "jobs" }) });
  return {
    tablePrefix,
    folder,
    client,
    streams: new DynamoDBStreamsClient(config),
    store,
    projections: createProjections({ client, tablePrefix, store }),
    targets,
    scheduler: createScheduler({ client, tablePrefix, targets }),
    openQueue,
  };
}

export async function createTables({ client, store, projections, scheduler }: OpenPlace): Promise<void> {
  await Promise.all([store.ensureTables(), projections.ensureTables(), scheduler.ensureTables()]);
  await client.send(
    new CreateTableCommand({
      TableName: EFFECTS_TABLE,
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
}
