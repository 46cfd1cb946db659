import type { ChainStorage } from "../chain/storage.ts";
import type { EventDefinitions } from "../events.ts";
import type { Observer } from "../observer.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import type { BodyOptions } from "../store/body-options.ts";
import { createChainEventStore } from "../store/chain-event-store.ts";
import type { EventStore } from "../store/event-store.ts";
import { createMemoryStorage } from "./memory-storage.ts";
import { sequencedStorage } from "./sequenced-storage.ts";

export interface MemoryEventStoreOptions<Definitions extends EventDefinitions = EventDefinitions>
  extends BodyOptions {
  /** The event types, from `defineEvents`. Default: any type with any JSON data, unchecked. */
  readonly events?: Definitions | undefined;
  /** Where events are kept, to be shared by several stores: `createMemoryStorage()`. Default: a new one. */
  readonly storage?: ChainStorage | undefined;
  /** Clock, chance and waiting. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
  /** Sees every operation: `createOtelObserver()` of `@tuppence/core/otel` for traces and metrics. Default: none. */
  readonly observer?: Observer | undefined;
}

/**
 * An event store in memory, for unit tests: the same code and the same contract as the one on DynamoDB, with
 * another storage below. Its global log is up to date whenever it is read. It loads no AWS SDK.
 */
export function createMemoryEventStore<const Definitions extends EventDefinitions = EventDefinitions>(
  options: MemoryEventStoreOptions<Definitions> = {},
): EventStore<Definitions> {
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  return createChainEventStore({
    ...options,
    storage: sequencedStorage(options.storage ?? createMemoryStorage()),
    runtime,
    observer: options.observer,
  });
}

export { createMemoryStorage };
export type { ChainStorage } from "../chain/storage.ts";
export { auditMemoryLog, createMemorySequencer, type MemoryLogOptions } from "./memory-log.ts";
