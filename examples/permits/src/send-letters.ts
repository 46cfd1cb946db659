import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type CapacityMeter, ensureTable, meterCapacity } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import type { Message } from "@tuppence/queue";
import { createLetterQueue, type Letter, type LetterQueue } from "./letters.ts";
import { nextPage, POST_BOOK, readPostBook, type SentLetter } from "./post-book.ts";
import type { Letters } from "./verify-letters.ts";

/** Who sends each letter: consumer groups of the queue, each at its own pace. */
export const GROUPS = ["printed", "archived"] as const;

/** A run that is killed leaves its leases behind; the next one waits for so long. In milliseconds. */
const LEASE_DURATION_MS = 3_000;

/** How often the queue is looked at, in milliseconds: what has come by then is sent together. */
const LOOK_MS = 500;

/** Letters that are sent together at most. */
const BATCH_SIZE = 100;

/** What sends the letters, in the background. */
export interface LetterRun extends AsyncDisposable {
  /** To enqueue them with. */
  readonly queue: LetterQueue;
  /** Of what enqueues and sends them, which has a client of its own. */
  readonly meter: CapacityMeter;
  /** Waits until both groups have sent all that are enqueued. */
  sent(signal: AbortSignal): Promise<void>;
  /** All that are enqueued and were sent, by whatever run. */
  read(): Promise<Letters>;
}

/**
 * Begins to send letters, in two groups, each in the order of the queue. A group's page in the post book is one transaction with the move of its cursor:
 * each letter is sent exactly once. The tables of the events have to be there.
 */
export async function sendLetters(config: ReturnType<DynamoDBLocal["clientConfig"]>): Promise<LetterRun> {
  const client = new DynamoDBClient(config);
  await ensureTable(client, POST_BOOK);
  const meter = meterCapacity(client);
  const queue = createLetterQueue(client);
  // As if it were another process, which does not hear at once of what is enqueued in this one.
  const elsewhere = createLetterQueue(client);
  const consumers = GROUPS.map((group) =>
    elsewhere.consume(group, async (messages) => [await nextPage(client, group, messages)], {
      mode: "transaction",
      batchSize: BATCH_SIZE,
      leaseDurationMs: LEASE_DURATION_MS,
      pollIntervalMs: LOOK_MS,
      maxIdleMs: LOOK_MS,
    }),
  );
  await Promise.all(consumers.map((consumer) => consumer.start()));
  return {
    queue,
    meter,
    async sent(signal) {
      await Promise.all(consumers.map((consumer) => consumer.caughtUp({ signal })));
    },
    async read() {
      const enqueued: Message<Letter>[] = [];
      for await (const message of queue.read(1)) enqueued.push(message);
      const sent = new Map<string, readonly SentLetter[]>();
      for (const group of GROUPS) sent.set(group, await readPostBook(client, group));
      return { enqueued, sent };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      await queue.close();
      client.destroy();
    },
  };
}
