import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { ControlStorage } from "../control/control-storage.ts";
import { createDynamoDBControlStorage } from "../dynamodb/control-storage.ts";
import { DEFAULT_TABLE_PREFIX } from "../dynamodb/tables.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import type { LeaseGroup } from "./lease.ts";
import type { LeaseEvent } from "./lease-event.ts";
import { LEASE_GUARDS } from "./next-action.ts";
import { StoredLeaseGroup } from "./stored-lease-group.ts";

/** How long a lease is held after its last renewal, when nothing else is said. */
export const DEFAULT_LEASE_DURATION_MS = 10_000;

/** A request to DynamoDB may take this long and more; three of them fit into the time that a lease lasts. */
const MIN_LEASE_DURATION_MS = 100;

/** Where leases are kept: in the table `<prefix>-control` of DynamoDB, or in memory, for tests. */
export type LeasePlace =
  | {
      readonly client: DynamoDBClient;
      /** The table is `<prefix>-control`. Default `tuppence`. */
      readonly tablePrefix?: string | undefined;
    }
  | { /** From `createMemoryControlStorage`. */ readonly storage: ControlStorage };

export type LeaseGroupOptions = LeasePlace & {
  /** What the members work on together. Groups know nothing of each other. */
  readonly group: string;
  /** To recognise this worker by in `list()`; a random part is added, so that no two are ever the same. Default: none. */
  readonly workerId?: string | undefined;
  /**
   * How long after its last sign of life an owner may still hold a lease, in ms; renewed every third of it. Default 10,000.
   * What a process that died has left behind is taken over after this time and up to a third more.
   */
  readonly leaseDurationMs?: number | undefined;
  /** Clocks, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
  /** Sees what happens to this member's leases, failures of `run` among them; must not throw. Default: nobody does. */
  readonly onEvent?: ((event: LeaseEvent) => void) | undefined;
};

/**
 * A member of a group of processes that share out resources: each has one owner at a time, fenced by an epoch, and goes to
 * another process when its owner dies or a new member is to have it. Clocks of different machines are never compared.
 *
 * Cost with the default duration: each lease that is held 1,080 WCU an hour (one for each renewal; a commit takes the
 * place of one); each member 1,080 WCU for its own heartbeat and 1,080 RCU and more for two queries a round (0.5 RCU each
 * for every 4 KB, some 25 leases). Nothing while no member runs.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 *
 * Resources are shared out by rendezvous hashing: many are spread evenly, a few need not be.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createLeaseGroup(options: LeaseGroupOptions): LeaseGroup {
  const { group, workerId, leaseDurationMs: durationMs = DEFAULT_LEASE_DURATION_MS } = options;
  if (typeof group !== "string" || group === "") {
    throw new TypeError(`A group of leases needs a name, not ${JSON.stringify(group)}.`);
  }
  if (!(Number.isFinite(durationMs) && durationMs >= MIN_LEASE_DURATION_MS)) {
    throw new RangeError(`leaseDurationMs is ${durationMs}; it has to be ${MIN_LEASE_DURATION_MS} or more.`);
  }
  const storage =
    "storage" in options
      ? options.storage
      : createDynamoDBControlStorage(options.client, options.tablePrefix ?? DEFAULT_TABLE_PREFIX);
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  const randomPart = Math.floor(runtime.random() * 2 ** 32).toString(16);
  return new StoredLeaseGroup({
    storage,
    group,
    worker: workerId === undefined ? randomUUID() : `${workerId}/${randomPart.padStart(8, "0")}`,
    durationMs,
    runtime,
    guards: LEASE_GUARDS,
    emit: options.onEvent ?? ((): void => undefined),
  });
}
