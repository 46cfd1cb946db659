import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { EventDefinitions } from "../events.ts";
import type { Observer } from "../observer.ts";
import type { BodyOptions } from "../store/body-options.ts";
import { createChainEventStore } from "../store/chain-event-store.ts";
import type { EventStore } from "../store/event-store.ts";
import { sdkCalls } from "./calls.ts";
import { createDynamoDBChainStorage } from "./chain-storage.ts";
import { dynamoDBRuntime, type RuntimeOptions } from "./dynamodb-runtime.ts";
import { leanCalls } from "./lean/lean-calls.ts";
import { DEFAULT_TABLE_PREFIX } from "./tables.ts";

export interface EventStoreOptions<Definitions extends EventDefinitions = EventDefinitions>
  extends BodyOptions,
    RuntimeOptions {
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
  const runtime = dynamoDBRuntime(client, options);
  const calls = leanRequests ? leanCalls(client) : sdkCalls(client);
  const storage = createDynamoDBChainStorage(client, tablePrefix, calls);
  return createChainEventStore({ ...options, storage, runtime });
}
