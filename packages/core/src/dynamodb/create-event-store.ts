import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { EventDefinitions } from "../events.ts";
import type { Observer } from "../observer.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import type { BodyOptions } from "../store/body-options.ts";
import { createChainEventStore } from "../store/chain-event-store.ts";
import type { EventStore } from "../store/event-store.ts";
import { sdkCalls } from "./calls.ts";
import { createDynamoDBChainStorage } from "./chain-storage.ts";
import { leanCalls } from "./lean/lean-calls.ts";
import { DEFAULT_TABLE_PREFIX } from "./tables.ts";

export interface EventStoreOptions<Definitions extends EventDefinitions = EventDefinitions>
  extends BodyOptions {
  /** The plain client of `@aws-sdk/client-dynamodb`; its credentials, Region, retries and middleware are used. */
  readonly client: DynamoDBClient;
  /** The event types, from `defineEvents`. Default: any type with any JSON data, unchecked. */
  readonly events?: Definitions | undefined;
  /** The table is `<prefix>-events`. Default `tuppence`. */
  readonly tablePrefix?: string | undefined;
  /**
   * Sends appends and reads without the SDK's commands: the same requests, results, errors and retries, with the
   * client's own credentials, signer, endpoint, HTTP handler, clock offset and retry strategy, for about half of the
   * CPU time. Default false.
   *
   * What it goes around: the client's `middlewareStack` and `logger`, so that tracing hooked in there sees nothing of these
   * calls (`meterCapacity` does); custom `httpAuthSchemes`; the header with Lambda's trace id. Region and endpoint are read
   * from the client once. Table creation and `listStreams` of all categories still are the SDK's commands.
   */
  readonly leanRequests?: boolean | undefined;
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
  /** Sees every operation: `createOtelObserver()` of `@tuppence/core/otel` for traces and metrics. Default: none. */
  readonly observer?: Observer | undefined;
}

/**
 * An event store in a DynamoDB table. Several of them, in any number of processes, may share one table: one for
 * each bounded context with its own event definitions, say. A store remembers where streams end, so keep it for
 * the life of the process.
 *
 * @throws TypeError when `leanRequests` is asked for and `client` is none of the SDK's.
 */
export function createEventStore<const Definitions extends EventDefinitions = EventDefinitions>(
  options: EventStoreOptions<Definitions>,
): EventStore<Definitions> {
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX, leanRequests = false } = options;
  const runtime: Runtime = {
    ...SYSTEM_RUNTIME,
    now: () => Date.now() + clockOffsetMs(client),
    ...options.runtime,
  };
  const calls = leanRequests ? leanCalls(client) : sdkCalls(client);
  const storage = createDynamoDBChainStorage(client, tablePrefix, calls);
  return createChainEventStore({ ...options, storage, runtime });
}

/** The SDK takes its offset from the Date of a reply, which is cut to the second: below two it says nothing. */
const MIN_OFFSET_MS = 2_000;

/** How far this machine's clock is off, as AWS's replies have shown: commits carry the corrected time. */
function clockOffsetMs(client: DynamoDBClient): number {
  const offset = client.config.systemClockOffset;
  return Math.abs(offset) < MIN_OFFSET_MS ? 0 : offset;
}
