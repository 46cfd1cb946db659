import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { EventDefinitions } from "../events.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import type { BodyOptions } from "../store/body-options.ts";
import { createChainEventStore } from "../store/chain-event-store.ts";
import type { EventStore } from "../store/event-store.ts";
import { createDynamoDBChainStorage } from "./chain-storage.ts";
import { DEFAULT_TABLE_PREFIX } from "./tables.ts";

export interface EventStoreOptions<Definitions extends EventDefinitions = EventDefinitions>
  extends BodyOptions {
  /** The plain client of `@aws-sdk/client-dynamodb`; its credentials, Region, retries and middleware are used. */
  readonly client: DynamoDBClient;
  /** The event types, from `defineEvents`. Default: any type with any JSON data, unchecked. */
  readonly events?: Definitions | undefined;
  /** The table is `<prefix>-events`. Default `tuppence`. */
  readonly tablePrefix?: string | undefined;
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/**
 * An event store in a DynamoDB table. Several of them, in any number of processes, may share one table: one for
 * each bounded context with its own event definitions, say. A store remembers where streams end, so keep it for
 * the life of the process.
 */
export function createEventStore<const Definitions extends EventDefinitions = EventDefinitions>(
  options: EventStoreOptions<Definitions>,
): EventStore<Definitions> {
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX } = options;
  const runtime: Runtime = {
    ...SYSTEM_RUNTIME,
    now: () => Date.now() + clockOffsetMs(client),
    ...options.runtime,
  };
  return createChainEventStore({
    ...options,
    storage: createDynamoDBChainStorage(client, tablePrefix),
    runtime,
  });
}

/** The SDK takes its offset from the Date of a reply, which is cut to the second: below two it says nothing. */
const MIN_OFFSET_MS = 2_000;

/** How far this machine's clock is off, as AWS's replies have shown: commits carry the corrected time. */
function clockOffsetMs(client: DynamoDBClient): number {
  const offset = client.config.systemClockOffset;
  return Math.abs(offset) < MIN_OFFSET_MS ? 0 : offset;
}
