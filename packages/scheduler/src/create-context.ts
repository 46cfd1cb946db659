import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_PREFIX, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import { LRUCache } from "lru-cache";
import { MAX_SEEN_MINUTES, type SchedulerContext } from "./context.ts";
import { SCHEDULER_GUARDS, type SchedulerGuards } from "./guards.ts";
import { SharedRuns } from "./minutes/shared-runs.ts";
import type { Relay } from "./relay/relay.ts";
import type { SchedulerEvent } from "./scheduler-event.ts";
import { createDynamoDBScheduleStorage } from "./storage/dynamodb-storage.ts";
import { gatherRequests } from "./storage/gather-requests.ts";
import type { ScheduleStorage } from "./storage/schedule-storage.ts";
import { WriteSpeed } from "./storage/write-speed.ts";
import type { Targets } from "./targets/target.ts";

/** Where schedules are kept: in DynamoDB, or in memory, for tests. */
export type SchedulerPlace =
  | {
      readonly client: DynamoDBClient;
      /** The table is `<prefix>-schedules`. Default `tuppence`. */
      readonly tablePrefix?: string | undefined;
    }
  | { /** From `createMemoryScheduleStorage`. */ readonly storage: ScheduleStorage };

/** What all who fire schedules are told. */
export interface FiringOptions {
  /** What schedules fire, by the names that they store. All who fire need all of them. */
  readonly targets: Targets;
  /** How long what is over is kept for `history` and `get`, in milliseconds. Default 604,800,000: a week. */
  readonly retentionMs?: number | undefined;
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
  /**
   * Fires to the second without a worker: what is within its lead is handed to it, and doorbells ring ahead. Default: none; what fires is as
   * punctual as doorbells, or a worker.
   */
  readonly relay?: Relay | undefined;
  /** Sees what happens; must not throw. Default: nobody does. */
  readonly onEvent?: ((event: SchedulerEvent) => void) | undefined;
}

/** How long what is over is kept when nothing else is said, in milliseconds. */
export const DEFAULT_RETENTION_MS: number = 7 * 24 * 3_600_000;

/** What tests give beside the options. */
export interface SchedulerMeans {
  /** Guards to switch off. */
  readonly guards?: SchedulerGuards | undefined;
}

/** @throws TypeError, RangeError for options that can't be. */
export function createContext(
  options: SchedulerPlace & FiringOptions,
  means: SchedulerMeans = {},
): SchedulerContext {
  const { targets, retentionMs = DEFAULT_RETENTION_MS, onEvent = (): void => undefined } = options;
  if (!(retentionMs >= 0 && Number.isFinite(retentionMs))) {
    throw new RangeError(`retentionMs is ${retentionMs}; it can't be.`);
  }
  for (const [name, target] of Object.entries(targets)) {
    if (typeof target?.fire !== "function") throw new TypeError(`Target ${JSON.stringify(name)} is none.`);
  }
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  const speed = new WriteSpeed(runtime);
  return {
    storage: gatherRequests(storageOf(options, onEvent), { runtime, speed }),
    speed,
    runtime,
    guards: means.guards ?? SCHEDULER_GUARDS,
    targets,
    retentionMs,
    seenMinutes: new LRUCache({ max: MAX_SEEN_MINUTES }),
    minuteRuns: new SharedRuns(),
    onEntry: new Set(),
    relay: options.relay,
    emit: onEvent,
  };
}

function storageOf(place: SchedulerPlace, onEvent: (event: SchedulerEvent) => void): ScheduleStorage {
  if ("storage" in place) return place.storage;
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX } = place;
  return createDynamoDBScheduleStorage(client, tablePrefix, (error) =>
    onEvent({ type: "batchesRefused", error }),
  );
}
