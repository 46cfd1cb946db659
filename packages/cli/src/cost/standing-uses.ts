import { DEFAULT_POLL_INTERVAL_MS } from "@tuppence/core";
import { DEFAULT_LEASE_DURATION_MS } from "@tuppence/core/leases";
import { DEFAULT_MAX_IDLE_MS } from "@tuppence/queue";
import { DEFAULT_LOOK_MS, DEFAULT_SHARDS } from "@tuppence/scheduler";
import { monthly, type StoreTable, type TableUse } from "./table-use.ts";
import type { Workload } from "./workload.ts";

const HOUR_MS = 3_600_000;

/** A lease is renewed, and a member looks at all leases, three times in the duration: `leases-dynamodb.test.ts` asserts it. */
const ROUNDS_PER_HOUR: number = (3 * HOUR_MS) / DEFAULT_LEASE_DURATION_MS;

/** Looks at the log's end of a worker of projections, of half a read unit: `log-costs.test.ts`. */
const LOOKS_AT_LOG_PER_HOUR: number = HOUR_MS / DEFAULT_POLL_INTERVAL_MS;

/** Looks of an idle consumer: `group-costs.test.ts`. */
const LOOKS_AT_QUEUE_PER_HOUR: number = HOUR_MS / DEFAULT_MAX_IDLE_MS;

/** Looks of a worker of schedules in all shards: `packages/scheduler/test/costs.test.ts`. */
const LOOKS_AT_SCHEDULES_PER_HOUR: number = (HOUR_MS / DEFAULT_LOOK_MS) * DEFAULT_SHARDS;

const LOOK_READ_UNITS = 0.5;

/** What one process of each kind uses while nothing happens. */
export function standingUses(workload: Workload): TableUse[] {
  const { eventsPerDay, projections, slots, streamShards, queueMessagesPerDay, queueGroups } = workload;
  const hasLog = eventsPerDay > 0 && projections > 0;
  const hasQueue = queueMessagesPerDay > 0;
  const hasSchedules = workload.schedulesPerDay > 0;
  const leases =
    (hasLog ? streamShards + projections * slots : 0) +
    (hasQueue ? queueGroups : 0) +
    (hasSchedules ? DEFAULT_SHARDS : 0);
  const members = (hasLog ? 2 : 0) + (hasQueue ? queueGroups : 0) + (hasSchedules ? 1 : 0);
  const looksOf = (name: string, table: StoreTable, perHour: number): TableUse =>
    hourly(name, table, perHour, { readUnits: LOOK_READ_UNITS });
  return [
    hourly("leases", "control", (leases + members) * ROUNDS_PER_HOUR, { writeUnits: 1 }),
    hourly("looks at leases", "control", members * ROUNDS_PER_HOUR, { readUnits: 1 }),
    looksOf("looks at the log", "events", hasLog ? LOOKS_AT_LOG_PER_HOUR : 0),
    looksOf("looks at the queue", "events", hasQueue ? queueGroups * LOOKS_AT_QUEUE_PER_HOUR : 0),
    looksOf("looks at schedules", "schedules", hasSchedules ? LOOKS_AT_SCHEDULES_PER_HOUR : 0),
  ];
}

function hourly(
  name: string,
  table: StoreTable,
  perHour: number,
  each: { readonly writeUnits?: number; readonly readUnits?: number },
): TableUse {
  return monthly(name, table, perHour * 24, each);
}
