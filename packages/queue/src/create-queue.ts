import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Runtime } from "@tuppence/core";
import { checkDate, checkPosition } from "./check-arguments.ts";
import { createEnqueuer } from "./enqueue/create-enqueuer.ts";
import { ENQUEUE_GUARDS, type EnqueueGuards } from "./enqueue/guards.ts";
import { followQueue } from "./follow-queue.ts";
import { createQueueGroups } from "./group/queue-groups.ts";
import type { Message } from "./message.ts";
import { checkName } from "./names.ts";
import { openContext, type QueuePlace } from "./open-context.ts";
import {
  DEFAULT_DEDUP_WINDOW_MS,
  DEFAULT_MAX_WAITING,
  DEFAULT_PEEKED,
  type PeekOptions,
  type Queue,
} from "./queue.ts";
import type { QueueReadOptions } from "./queue-context.ts";
import { trimQueue } from "./trim-queue.ts";

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
export function createQueue<Schema extends StandardSchemaV1 = StandardSchemaV1>(
  options: QueueOptions<Schema>,
): Queue<StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>> {
  return createQueueOn(options, {});
}

/** The queue on means of the caller's own. */
export function createQueueOn<Schema extends StandardSchemaV1 = StandardSchemaV1>(
  options: QueueOptions<Schema>,
  means: QueueMeans,
): Queue<StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>> {
  const settings = checkSettings(options);
  const { context, announce } = openContext(options, {
    ...settings,
    name: options.name,
    runtime: options.runtime,
  });
  const enqueuer = createEnqueuer(context, {
    ...settings,
    schema: options.schema,
    announce,
    guards: means.guards ?? ENQUEUE_GUARDS,
    maxItemBytes: means.maxItemBytes,
  });
  const { name, reader, storage, control } = context;
  type Body = StandardSchemaV1.InferOutput<Schema>;
  const { inner, groups } = createQueueGroups<Body>(context);

  async function* read(from: number, readOptions?: QueueReadOptions): AsyncGenerator<Message<Body>> {
    for await (const messages of reader.read(from, readOptions)) yield* messages as readonly Message<Body>[];
  }

  async function peek({ from, limit = DEFAULT_PEEKED, ...rest }: PeekOptions = {}): Promise<Message<Body>[]> {
    checkPosition("from", from);
    checkPosition("limit", limit);
    const first = from ?? (await reader.firstPosition(rest.signal));
    const peeked: Message<Body>[] = [];
    for await (const message of read(first, { ...rest, to: first + limit - 1 })) peeked.push(message);
    return peeked;
  }

  return {
    ...groups,
    name,
    enqueue: (messages, enqueueOptions) => enqueuer.enqueue(messages, enqueueOptions),
    producerState: () => enqueuer.producerState(),
    read: (from, readOptions) => {
      checkPosition("from", from);
      return read(from, readOptions);
    },
    peek,
    follow: (followOptions = {}) => {
      checkPosition("from", followOptions.from);
      return followQueue(context, followOptions) as AsyncIterable<Message<Body>>;
    },
    tail: ({ signal } = {}) => reader.tail(signal),
    positionAt: async (time, { signal } = {}) => {
      checkDate("time", time);
      return reader.positionAt(time, signal);
    },
    firstPosition: ({ signal } = {}) => reader.firstPosition(signal),
    trim: async (trimOptions = {}) => {
      checkPosition("before", trimOptions.before);
      checkDate("olderThan", trimOptions.olderThan);
      return trimQueue(context, trimOptions, () => inner.lowestNeeded());
    },
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
