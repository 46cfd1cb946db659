import { once } from "node:events";
import { ensureTables } from "@tuppence/core";
import { createQueue } from "@tuppence/queue";
import { openPlace, setUpDatabase } from "./dynamodb-place.ts";
import { POLL_MS } from "./poll.ts";
import type { OpenQueue, QueueContender, QueuePlace, StoredMessage } from "./queue-contender.ts";
import type { MessageBody } from "./queue-messages.ts";
import type { Servers } from "../servers.ts";

/** What a handler gets at a time. */
const BATCH = 500;

interface Variant extends Pick<QueueContender, "name" | "label" | "partsMeasured"> {
  /** Whether messages have ids, by which one that comes twice is recognised. */
  readonly ids: boolean;
  /** How often consumers look for more; `default`: as often as they do when nothing else is said. */
  readonly polling: "as others" | "default";
}

/** Queues of `@tuppence/queue` as one would use them; ids and quick looks are what the others have, too. */
export const OUR_QUEUES: readonly QueueContender[] = [
  ourQueue({ name: "ours", label: "ours", ids: true, polling: "as others" }),
  ourQueue({
    name: "oursWithoutIds",
    label: "ours, messages without ids",
    ids: false,
    polling: "as others",
    partsMeasured: ["enqueue"],
  }),
  ourQueue({
    name: "oursDefault",
    label: "ours, looks as often as by default",
    ids: true,
    polling: "default",
    partsMeasured: ["delay"],
  }),
];

function ourQueue({ ids, polling, ...names }: Variant): QueueContender {
  return {
    ...names,
    facts: {
      order: "one order, the same for all; in lanes of a group, that of each key",
      positions: "dense",
      groups: "each reads by itself; its lanes are shared by any number of processes",
      durability: "DynamoDB",
      duplicates: ids ? "dropped by their ids, for 15 minutes" : "not recognised",
    },
    setUp: setUpTables,
    async open(place, options = {}): Promise<OpenQueue> {
      const database = openPlace(place, options);
      // Whoever looks at replies sees those of the SDK's commands only.
      const leanRequests = options.onReply === undefined;
      const queue = createQueue({ client: database.client, name: "bench", leanRequests });
      const looks = polling === "default" ? {} : { pollIntervalMs: POLL_MS, maxIdleMs: POLL_MS };
      return {
        async enqueue(messages) {
          await queue.enqueue(
            messages.map(({ id, key, body }) => ({ body, key, messageId: ids ? id : undefined })),
          );
        },
        async consume({ group, members, batch = BATCH, signal, onMessage }) {
          if (signal.aborted) return;
          const consumer = queue.consume(
            group,
            (messages) => {
              for (const { messageId: id = "", key = "", body } of messages)
                onMessage({ id, key, body: body as MessageBody });
            },
            { lanes: members, batchSize: batch, ...looks },
          );
          await consumer.start();
          if (!signal.aborted) await once(signal, "abort");
          await consumer.stop();
        },
        consumed: database.consumed,
        async stored() {
          const messages: StoredMessage[] = [];
          for await (const { messageId: id = "", position } of queue.read(1)) messages.push({ id, position });
          return messages;
        },
        async [Symbol.asyncDispose]() {
          await queue.close();
          database[Symbol.dispose]();
        },
      };
    },
  };
}

async function setUpTables(servers: Servers): Promise<QueuePlace> {
  const setUp = await setUpDatabase(servers);
  using database = openPlace(setUp.place);
  await ensureTables(database);
  return setUp;
}
