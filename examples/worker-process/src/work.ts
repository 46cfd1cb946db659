import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { commitIdFrom, ensureTables } from "@tuppence/core";
import { createProjections, createProjectionWorker } from "@tuppence/projections";
import { createSchedulerWorker } from "@tuppence/scheduler";
import { createLogWorker } from "@tuppence/stream-adapter";
import { customers, defineFollowUps, openShop } from "./shop.ts";

/** How long workers may go on with what they are at once they are told to stop, in milliseconds. What takes longer is done again by others. */
export const DRAIN_MS = 8_000;

/** All that a process does. */
export interface Work {
  start(): Promise<void>;
  /** Ends what is under way, stores how far everything is, and lets others go on. */
  stop(): Promise<void>;
  /** Aborted, with the reason, when the work can't go on. */
  readonly failed: AbortSignal;
}

export interface WorkOptions {
  readonly client: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
  /** How long after its last sign of life the work of a process that died is taken over, in milliseconds. */
  readonly leaseDurationMs: number;
  /** Told of what is worth a line. */
  readonly log: (source: string, event: object) => void;
}

/** The work on orders. Any number of processes may do it: they share it out among them. */
export function createWork({ client, streams, leaseDurationMs, log }: WorkOptions): Work {
  const shop = openShop(client);
  const shared = { client, leaseDurationMs };
  const onEvent = (source: string) => (event: { readonly type: string }) => log(source, event);

  const logWorker = createLogWorker({ ...shared, streams, onEvent: onEvent("log") });
  const projectionWorker = createProjectionWorker({
    ...shared,
    store: shop.store,
    projections: [customers, defineFollowUps(shop)],
    onEvent: onEvent("projections"),
  });
  const printer = shop.letters.consume(
    "printer",
    async ({ body: { order } }, { signal }) => {
      // A message may come again after a crash: the commit id makes it one letter.
      const once = {
        commitId: commitIdFrom(`letter|${order}`),
        expectedVersion: "noStream",
        signal,
      } as const;
      await shop.store.append(`letter|${order}`, [{ type: "LetterSent", data: { order } }], once);
    },
    { leaseDurationMs, lanes: 2, onFailure: "parkKey", onEvent: onEvent("queue") },
  );
  const schedulerWorker = createSchedulerWorker({
    ...shared,
    targets: shop.targets,
    scheduler: shop.scheduler,
    onEvent: onEvent("scheduler"),
  });
  const workers = [logWorker, projectionWorker, printer, schedulerWorker];

  return {
    failed: logWorker.failed,
    async start() {
      const projections = createProjections({ client, store: shop.store });
      await Promise.all([
        ensureTables({ client }),
        projections.ensureTables(),
        shop.scheduler.ensureTables(),
      ]);
      for (const worker of [logWorker, projectionWorker, schedulerWorker]) worker.start();
      await printer.start();
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop({ drainMs: DRAIN_MS })));
    },
  };
}
