import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DEFAULT_TABLE_PREFIX, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import {
  type ChainStorage,
  createDynamoDBChainStorage,
  dynamoDBRuntime,
  leanCalls,
  sdkCalls,
} from "@tuppence/core/chains";
import { type ControlStorage, createDynamoDBControlStorage } from "@tuppence/core/leases";
import { createEnqueuer } from "./enqueue/create-enqueuer.ts";
import { ENQUEUE_GUARDS, type EnqueueGuards } from "./enqueue/guards.ts";
import type { Message } from "./message.ts";
import { chainOf, checkName } from "./names.ts";
import {
  DEFAULT_DEDUP_WINDOW_MS,
  DEFAULT_MAX_WAITING,
  DEFAULT_PEEKED,
  type PeekOptions,
  type Queue,
} from "./queue.ts";
import type { QueueContext } from "./queue-context.ts";
import { createQueueReader } from "./read-queue.ts";
import { checkRegions, readRegions, type TableRegions } from "./region.ts";
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

export type QueueOptions<Schema extends StandardSchemaV1 = StandardSchemaV1> = QueuePlace & {
  /** 1 to 255 bytes, without `|`. */
  readonly name: string;
  /** What bodies are checked with before they are enqueued: any Standard Schema. Default: any JSON. */
  readonly schema?: Schema | undefined;
  /**
   * How long, in milliseconds, a message with the same `messageId` is not enqueued again: at least so long, and up to ten minutes
   * longer. Default 900,000. Ids of that time are kept in memory, about 150 bytes each: for thousands a second, use a
   * `producer`.
   */
  readonly dedupWindowMs?: number | undefined;
  /** How long, in milliseconds, a message may wait for others to be written together with it. Default 0. */
  readonly lingerMs?: number | undefined;
  /** How many messages may wait to be written; a call above that is refused with `QueueFullError`. Default 10,000. */
  readonly maxWaiting?: number | undefined;
  /** Numbers all messages that are enqueued through this queue, so that those of a call can be recognised for ever. Default: none. */
  readonly producer?: { /** 1 to 255 bytes, without `|`. */ readonly id: string } | undefined;
  /** Clocks, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
};

/** What tests give a queue beside its options. */
export interface QueueMeans {
  readonly guards?: EnqueueGuards | undefined;
  readonly maxItemBytes?: number | undefined;
}

/**
 * Opens a queue; it comes to be with its first message or consumer. Several of them, in any number of processes, may be the same
 * queue. Keep it for the life of the process: it remembers where the queue ends.
 *
 * @throws TypeError or RangeError for options that can't be.
 */
export function createQueue<Schema extends StandardSchemaV1 = StandardSchemaV1<unknown>>(
  options: QueueOptions<Schema>,
): Queue<StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>> {
  return createQueueOn(options, {});
}

/** The queue on means of the caller's own. */
export function createQueueOn<Schema extends StandardSchemaV1 = StandardSchemaV1<unknown>>(
  options: QueueOptions<Schema>,
  means: QueueMeans,
): Queue<StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>> {
  const settings = checkSettings(options);
  const { context, announce } = openContext(options, settings);
  const enqueuer = createEnqueuer(context, {
    ...settings,
    schema: options.schema,
    announce,
    guards: means.guards ?? ENQUEUE_GUARDS,
    maxItemBytes: means.maxItemBytes,
  });
  const { name, reader, storage, control } = context;
  type Body = StandardSchemaV1.InferOutput<Schema>;

  async function* read(...args: Parameters<typeof reader.read>): AsyncGenerator<Message<Body>> {
    for await (const messages of reader.read(...args)) yield* messages as readonly Message<Body>[];
  }

  async function peek({ from, limit = DEFAULT_PEEKED, ...rest }: PeekOptions = {}): Promise<Message<Body>[]> {
    const first = from ?? (await reader.firstPosition(rest.signal));
    const peeked: Message<Body>[] = [];
    for await (const message of read(first, { ...rest, to: first + limit - 1 })) peeked.push(message);
    return peeked;
  }

  return {
    name,
    enqueue: (messages, enqueueOptions) => enqueuer.enqueue(messages, enqueueOptions),
    producerState: () => enqueuer.producerState(),
    read,
    peek,
    tail: ({ signal } = {}) => reader.tail(signal),
    positionAt: (time, { signal } = {}) => reader.positionAt(time, signal),
    firstPosition: ({ signal } = {}) => reader.firstPosition(signal),
    ensureTables: async () => {
      await Promise.all([storage.ensureTables(), control.ensureTables()]);
    },
    close: () => enqueuer.close(),
    [Symbol.asyncDispose]: () => enqueuer.close(),
  };
}

interface Settings {
  readonly dedupWindowMs: number;
  readonly lingerMs: number;
  readonly maxWaiting: number;
  readonly producer: { readonly id: string } | undefined;
}

function checkSettings(options: QueueOptions): Settings {
  const { name, producer } = options;
  const { dedupWindowMs = DEFAULT_DEDUP_WINDOW_MS, lingerMs = 0, maxWaiting = DEFAULT_MAX_WAITING } = options;
  checkName("a queue", name);
  if (producer !== undefined) checkName("a producer", producer.id);
  for (const [option, value] of Object.entries({ dedupWindowMs, lingerMs })) {
    if (!(Number.isFinite(value) && value >= 0)) {
      throw new RangeError(`${option} is ${value}; it has to be a number from 0.`);
    }
  }
  if (!(Number.isSafeInteger(maxWaiting) && maxWaiting >= 1)) {
    throw new RangeError(`maxWaiting is ${maxWaiting}; it has to be a whole number from 1.`);
  }
  return { dedupWindowMs, lingerMs, maxWaiting, producer };
}

/** What the parts of a queue work with, and how they are told that something was enqueued. */
function openContext(
  options: QueueOptions,
  { dedupWindowMs }: Settings,
): { readonly context: QueueContext; readonly announce: () => void } {
  const { name } = options;
  const place = openPlace(options);
  const { control, runtime } = place;
  const listeners = new Set<() => void>();
  let opening: Promise<void> | undefined;
  const open = async (): Promise<void> => {
    await place.checkRegion();
    await registerQueue(control, { name, dedupWindowMs, nowMs: runtime.now() });
  };
  const context: QueueContext = {
    name,
    chain: chainOf(name),
    storage: place.storage,
    control,
    runtime,
    reader: createQueueReader(name, place),
    open: () => {
      opening ??= open().catch((error: unknown) => {
        // The next call tries again.
        opening = undefined;
        throw error;
      });
      return opening;
    },
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

interface OpenPlace {
  readonly storage: ChainStorage;
  readonly control: ControlStorage;
  readonly runtime: Runtime;
  readonly checkRegion: () => Promise<void>;
}

function openPlace(options: QueueOptions): OpenPlace {
  if ("storage" in options) {
    const { storage, control } = options;
    const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
    return { storage, control, runtime, checkRegion: async () => undefined };
  }
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX, leanRequests = false, homeRegion, name } = options;
  const calls = leanRequests ? leanCalls(client) : sdkCalls(client);
  const control = createDynamoDBControlStorage(client, tablePrefix);
  const tables = [`${tablePrefix}-events`, control.tableName];
  return {
    storage: createDynamoDBChainStorage(client, tablePrefix, calls),
    control,
    runtime: dynamoDBRuntime(client, options),
    checkRegion: async () => {
      const regions: TableRegions[] = await Promise.all(tables.map((table) => readRegions(client, table)));
      checkRegions({ queue: name, region: await client.config.region(), homeRegion }, regions);
    },
  };
}
