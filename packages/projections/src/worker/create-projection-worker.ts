import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DEFAULT_TABLE_PREFIX,
  type EventDefinitions,
  type EventStore,
  type Runtime,
  SYSTEM_RUNTIME,
} from "@tuppence/core";
import { createLeaseGroup, DEFAULT_LEASE_DURATION_MS, type LeaseEvent } from "@tuppence/core/leases";
import { LEASE_GROUP } from "../builds/names.ts";
import type { Projection } from "../definition/projection.ts";
import { PROJECTION_GUARDS, type ProjectionGuards } from "../run/guards.ts";
import type { LogSource } from "../run/log-window.ts";
import type { ProjectionEvent } from "../run/projection-event.ts";
import { DEFAULT_CHECKPOINT_INTERVAL_MS } from "../run/slot-runner.ts";
import { createDynamoDBProjectionStorage } from "../storage/dynamodb-storage.ts";
import type { ProjectionStorage } from "../storage/projection-storage.ts";
import { type ProjectionWorker, StoredProjectionWorker } from "./projection-worker.ts";

/** Where documents, positions and parked work are kept: in DynamoDB, or in memory, for tests. */
export type ProjectionPlace =
  | {
      readonly client: DynamoDBClient;
      /** The tables are `<prefix>-control` and `<prefix>-documents`. Default `tuppence`. */
      readonly tablePrefix?: string | undefined;
    }
  | { /** From `createMemoryProjectionStorage`. */ readonly storage: ProjectionStorage };

/** The storage of a place. */
export function storageOf(place: ProjectionPlace): ProjectionStorage {
  return "storage" in place
    ? place.storage
    : createDynamoDBProjectionStorage(place.client, place.tablePrefix ?? DEFAULT_TABLE_PREFIX);
}

/** How often it is looked for what somebody wants to be replayed, in milliseconds, while anything is parked. */
const DEFAULT_PARKED_LOOK_MS = 2_000;

export type ProjectionWorkerOptions<Definitions extends EventDefinitions = EventDefinitions> =
  ProjectionPlace & WorkerSettings<Definitions>;

export interface WorkerSettings<Definitions extends EventDefinitions> {
  /** The store whose global log they follow, with the definitions of the events. */
  readonly store: EventStore<Definitions>;
  readonly projections: readonly Projection[];
  /** To recognise this process by; a random part is added. Default: none. */
  readonly workerId?: string | undefined;
  /** How long a slot stays with a process that gives no sign of life, in milliseconds. Default 10,000. */
  readonly leaseDurationMs?: number | undefined;
  /** How often the end of the log is looked at, for all projections together, in milliseconds. Default 200; each look costs 0.5 RCU. */
  readonly pollIntervalMs?: number | undefined;
  /**
   * How long a position waits to be stored, in milliseconds, where no transaction stores it: what `waitFor` of a projection waits
   * longer, and what is gone through again after a crash. Default 500; each time costs 1 WCU a slot.
   */
  readonly checkpointIntervalMs?: number | undefined;
  /** Clocks, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
  /** Sees what happens; must not throw. Default: nobody does. */
  readonly onEvent?: ((event: ProjectionEvent) => void) | undefined;
}

/**
 * Creates a worker that runs projections: first through what is in the log, then what comes, in one loop. Run it in one process or in
 * several: they share the slots, and each slot has one owner at a time. A zombie (a process that was frozen and wakes up after its slots went to
 * others) can neither spoil a document nor move a position.
 *
 * Cost: the log is read once for all projections of a process (0.003 to 0.006 RCU an event, 0.5 RCU for each look at its end); every
 * slot 1,080 WCU an hour for its lease, the worker 1,080 WCU for itself; positions and documents as their modes say.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createProjectionWorker<Definitions extends EventDefinitions>(
  options: ProjectionWorkerOptions<Definitions>,
): ProjectionWorker {
  return createProjectionWorkerOn(options, {});
}

/** What tests and other hosts give a worker beside its options. */
export interface WorkerMeans {
  /** Guards to switch off. */
  readonly guards?: ProjectionGuards | undefined;
  readonly parkedLookMs?: number | undefined;
  /** The log, where it outlives the worker. */
  readonly log?: LogSource | undefined;
}

/** The worker on means of the caller's own. */
export function createProjectionWorkerOn<Definitions extends EventDefinitions>(
  options: ProjectionWorkerOptions<Definitions>,
  means: WorkerMeans,
): StoredProjectionWorker {
  const { projections, workerId, leaseDurationMs = DEFAULT_LEASE_DURATION_MS } = options;
  const { checkpointIntervalMs = DEFAULT_CHECKPOINT_INTERVAL_MS } = options;
  checkProjections(projections);
  // What they ask of the log is checked by the store; nothing is read.
  for (const { types, categories } of projections)
    options.store.readAll({ types, categories });
  if (!(checkpointIntervalMs >= 0)) {
    throw new RangeError(`checkpointIntervalMs is ${checkpointIntervalMs}; it can't be.`);
  }
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  const storage = storageOf(options);
  const emit = options.onEvent ?? ((): void => undefined);
  const onEvent = (event: LeaseEvent): void => emit({ type: "lease", event });
  return new StoredProjectionWorker({
    projections,
    // The definitions of a projection's events were checked where it was defined; here they are any.
    store: options.store as unknown as EventStore,
    storage,
    leases: createLeaseGroup({
      storage: storage.control,
      group: LEASE_GROUP,
      workerId,
      leaseDurationMs,
      runtime,
      onEvent,
    }),
    runtime,
    guards: means.guards ?? PROJECTION_GUARDS,
    log: means.log ?? openLog(options),
    checkpointIntervalMs,
    parkedLookMs: means.parkedLookMs ?? DEFAULT_PARKED_LOOK_MS,
    emit,
  });
}

/** The log of a worker's store, for all of its projections. */
export function openLog<Definitions extends EventDefinitions>({
  store,
  pollIntervalMs,
}: Pick<ProjectionWorkerOptions<Definitions>, "store" | "pollIntervalMs">): LogSource {
  return store.openLogReader({ pollIntervalMs });
}

function checkProjections(projections: readonly Projection[]): void {
  if (projections.length === 0) throw new TypeError("A worker needs a projection.");
  const names = new Set<string>();
  for (const projection of projections) {
    if (!("kind" in projection)) throw new TypeError("A projection has to come from defineProjection.");
    const { name } = projection;
    if (names.has(name))
      throw new TypeError(`There are two projections of the name ${JSON.stringify(name)}.`);
    names.add(name);
  }
}
