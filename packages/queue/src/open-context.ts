import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_PREFIX, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import {
  type ChainStorage,
  createDynamoDBChainStorage,
  dynamoDBRuntime,
  leanCalls,
  sdkCalls,
} from "@tuppence/core/chains";
import { type ControlStorage, createDynamoDBControlStorage } from "@tuppence/core/leases";
import { chainOf } from "./names.ts";
import type { QueueContext } from "./queue-context.ts";
import { createQueueReader } from "./read-queue.ts";
import { checkRegions, readRegions } from "./region.ts";
import { registerQueue } from "./registration.ts";

/** Where queues are kept: in DynamoDB, or in memory, for tests. */
export type QueuePlace =
  | {
      /** The plain client of `@aws-sdk/client-dynamodb`. */
      readonly client: DynamoDBClient;
      /** The tables are `<prefix>-events` and `<prefix>-control`. Default `tuppence`. */
      readonly tablePrefix?: string | undefined;
      /** Sends writes and reads of messages without the SDK's commands: see `createEventStore`. Default false. */
      readonly leanRequests?: boolean | undefined;
      /**
       * On an eventually consistent global table (MREC): the one Region that the queue is written to and consumed from. Default:
       * none, such tables are refused. Any other table needs none.
       */
      readonly homeRegion?: string | undefined;
    }
  | {
      /** From `createMemoryStorage` of `@tuppence/core/memory`; to be shared by several queues. */
      readonly storage: ChainStorage;
      /** From `createMemoryControlStorage` of `@tuppence/core/leases`. */
      readonly control: ControlStorage;
    };

/** Where a place keeps cursors and what is known of queues. */
export function controlOf(place: QueuePlace): ControlStorage {
  if ("storage" in place) return place.control;
  return createDynamoDBControlStorage(place.client, place.tablePrefix ?? DEFAULT_TABLE_PREFIX);
}

interface OpenSettings {
  readonly name: string;
  readonly dedupWindowMs: number;
  readonly runtime: Partial<Runtime> | undefined;
}

/** What the parts of a queue work with, and how they are told that something was enqueued. */
export function openContext(
  place: QueuePlace,
  { name, dedupWindowMs, runtime: given }: OpenSettings,
): { readonly context: QueueContext; readonly announce: () => void } {
  const { storage, control, runtime, checkRegion } = openPlace(place, { name, runtime: given });
  const listeners = new Set<() => void>();
  const isFromHere = once(checkRegion);
  const open = once(async () => {
    await isFromHere();
    await registerQueue({ control, runtime }, { name, dedupWindowMs });
  });
  const context: QueueContext = {
    name,
    chain: chainOf(name),
    storage,
    control,
    runtime,
    reader: createQueueReader(name, { storage, control, runtime }),
    checkRegion: isFromHere,
    open,
    onEnqueued: (listener) => {
      listeners.add(listener);
      return { remove: () => listeners.delete(listener) };
    },
  };
  return {
    context,
    announce: () => {
      for (const listener of listeners) listener();
    },
  };
}

/** Does something at the first call, and again only while it fails. */
function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= work().catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
}

/** A place, as it is worked with. */
interface OpenPlace {
  readonly storage: ChainStorage;
  readonly control: ControlStorage;
  readonly runtime: Runtime;
  readonly checkRegion: () => Promise<void>;
}

function openPlace(place: QueuePlace, { name, runtime }: Pick<OpenSettings, "name" | "runtime">): OpenPlace {
  if ("storage" in place) {
    const { storage, control } = place;
    return {
      storage,
      control,
      runtime: { ...SYSTEM_RUNTIME, ...runtime },
      checkRegion: async () => undefined,
    };
  }
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX, leanRequests = false, homeRegion } = place;
  const calls = leanRequests ? leanCalls(client) : sdkCalls(client);
  const control = controlOf(place);
  const tables = [`${tablePrefix}-events`, control.tableName];
  return {
    storage: createDynamoDBChainStorage(client, tablePrefix, calls),
    control,
    runtime: dynamoDBRuntime(client, { runtime }),
    checkRegion: async () => {
      const [region, ...regions] = await Promise.all([
        client.config.region(),
        ...tables.map((table) => readRegions(client, table)),
      ]);
      checkRegions({ queue: name, region, homeRegion }, regions);
    },
  };
}
