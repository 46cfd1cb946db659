import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { type CapacityMeter, createEventStore, meterCapacity } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { createLogWorker } from "@tuppence/stream-adapter";
import { permitEvents } from "./permit-events.ts";
import type { PermitStore } from "./send-tasks.ts";

/** A run that is killed leaves its lease behind; the next one waits for so long. In milliseconds. */
const LEASE_DURATION_MS = 3_000;

/** What puts the events into the global log, in the background. */
export interface LogFeed extends AsyncDisposable {
  /** Aborted when it can't go on, with the reason. */
  readonly failed: AbortSignal;
  /** To follow the log with. */
  readonly store: PermitStore;
  /** Of what feeds and follows the log, which has a client of its own. */
  readonly meter: CapacityMeter;
}

/** Begins to put what is appended to the events table into its log. The tables have to be there. */
export function feedLog(config: ReturnType<DynamoDBLocal["clientConfig"]>): LogFeed {
  const client = new DynamoDBClient(config);
  const streams = new DynamoDBStreamsClient(config);
  const meter = meterCapacity(client);
  const worker = createLogWorker({ client, streams, leaseDurationMs: LEASE_DURATION_MS });
  worker.start();
  return {
    failed: worker.failed,
    store: createEventStore({ client, events: permitEvents }),
    meter,
    async [Symbol.asyncDispose]() {
      await worker.stop();
      client.destroy();
      streams.destroy();
    },
  };
}
