import { createLeaseGroup, DEFAULT_LEASE_DURATION_MS, type LeaseGroup } from "@tuppence/core/leases";
import pLimit from "p-limit";
import type { SchedulerContext } from "../context.ts";
import {
  createContext,
  type FiringOptions,
  type SchedulerMeans,
  type SchedulerPlace,
} from "../create-context.ts";
import { contextOf, type Scheduler } from "../scheduler.ts";
import { readShards } from "../shards.ts";
import { Pulse } from "./pulse.ts";
import { ShardRunner, type ShardSettings } from "./shard-runner.ts";

/** How often a worker looks for what others have scheduled, when nothing else is said, in milliseconds. */
export const DEFAULT_LOOK_MS = 500;

/** How long before its time an occurrence is claimed at most, when nothing else is said, in milliseconds. */
export const DEFAULT_CLAIM_AHEAD_MS = 5_000;

/** Attempts that a worker makes at a time, when nothing else is said. */
export const DEFAULT_WORKER_CONCURRENCY = 256;

/** How long what was fired waits for others before it is written, in milliseconds: as much longer it is fired again if this process dies. */
const GATHER_MS = 25;

/** How often it is looked whether the table has more shards, in milliseconds. */
const SHARDS_LOOK_MS = 60_000;

/** The group of leases that those of shards belong to. */
const LEASE_GROUP = "scheduler";

export type SchedulerWorkerOptions = SchedulerPlace &
  FiringOptions & {
    /** To recognise this worker by among others. Default: a random name. */
    readonly workerId?: string | undefined;
    /** How long after its last sign of life a worker may hold a shard, in milliseconds. Default 10,000. */
    readonly leaseDurationMs?: number | undefined;
    /**
     * How often it is looked for what other processes have scheduled for the next moments, in milliseconds: that may be so late. Default 500. Each look
     * takes 0.5 RCU and more in each shard.
     */
    readonly lookMs?: number | undefined;
    /**
     * How long before its time an occurrence is claimed at most, in milliseconds; how long depends on how many there are. Nothing fires before its
     * time; but from then on a cancellation is answered with `firing`. Default 5,000.
     */
    readonly claimAheadMs?: number | undefined;
    /** Attempts of targets at a time. Default 256. */
    readonly concurrency?: number | undefined;
    /** A scheduler of this process: what it schedules is known at once. Default: none. */
    readonly scheduler?: Scheduler<never> | undefined;
  };

/** A process that fires schedules by the clock, alone or with others that share the shards. */
export interface SchedulerWorker extends AsyncDisposable {
  readonly workerId: string;
  /** Begins. @throws TypeError when it was started before. */
  start(): void;
  /** Ends what is under way, and lets the shards go to others. What has not ended after `drainMs` (default 10,000) is given up. */
  stop(options?: { readonly drainMs?: number | undefined }): Promise<void>;
}

/**
 * Creates a worker that claims schedules ahead of their time and fires them at it. Run it in one process or in several: they share the shards. Doorbells may ring beside it: a
 * claim decides who fires.
 *
 * Cost while there is nothing to do: in each shard 0.5 RCU for each look (3,600 RCU an hour) and 1,080 WCU an hour for its lease; 1,080 WCU and 1,140 RCU an hour
 * for the worker, which sees the others by them.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createSchedulerWorker(options: SchedulerWorkerOptions): SchedulerWorker {
  return createSchedulerWorkerOn(options, {});
}

/** The worker on means of the caller's own. */
export function createSchedulerWorkerOn(
  options: SchedulerWorkerOptions,
  means: SchedulerMeans,
): SchedulerWorker {
  const { workerId, leaseDurationMs = DEFAULT_LEASE_DURATION_MS, scheduler } = options;
  const { lookMs = DEFAULT_LOOK_MS, claimAheadMs = DEFAULT_CLAIM_AHEAD_MS } = options;
  const { concurrency = DEFAULT_WORKER_CONCURRENCY } = options;
  if (!(lookMs > 0 && Number.isFinite(lookMs))) throw new RangeError(`lookMs is ${lookMs}; it can't be.`);
  if (!(claimAheadMs >= 0 && claimAheadMs <= 30_000)) {
    throw new RangeError(`claimAheadMs is ${claimAheadMs}; it has to be from 0 to 30,000.`);
  }
  const own = createContext(options, means);
  const context: SchedulerContext = {
    ...own,
    onEntry: scheduler === undefined ? own.onEntry : contextOf(scheduler).onEntry,
  };
  const leases = createLeaseGroup({
    ...("storage" in options
      ? { storage: options.storage }
      : { client: options.client, tablePrefix: options.tablePrefix }),
    group: LEASE_GROUP,
    workerId,
    leaseDurationMs,
    runtime: options.runtime,
    onEvent: (event) => own.emit({ type: "lease", event }),
  });
  const pulse = new Pulse(own.runtime, GATHER_MS);
  const settings = { lookMs, claimAheadMs, attempts: pLimit(concurrency), load: { waiting: 0 }, pulse };
  return workerOf(leases, context, settings);
}

function workerOf(leases: LeaseGroup, context: SchedulerContext, settings: ShardSettings): SchedulerWorker {
  let shards = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const resources = async (): Promise<readonly string[]> => {
    const now = context.runtime.monotonic();
    if (shards === 0 || now - lookedAt >= SHARDS_LOOK_MS) {
      shards = await readShards(context);
      lookedAt = now;
    }
    return Array.from({ length: shards }, (_, shard) => String(shard));
  };
  return {
    workerId: leases.workerId,
    start: () => leases.start({ resources, run: (lease) => new ShardRunner(context, lease, settings).run() }),
    stop: (stopping) => leases.stop(stopping),
    [Symbol.asyncDispose]: () => leases.stop(),
  };
}
