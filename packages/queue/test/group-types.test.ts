import type { DynamoDBClient, TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import type { Message, Queue } from "../src/index.ts";
import { createQueueHandler } from "../src/lambda/index.ts";

interface Letter {
  readonly to: string;
}

declare const queue: Queue<Letter>;
declare const client: DynamoDBClient;
declare function send(to: string): Promise<void>;
declare function write(messages: readonly Message<Letter>[]): TransactWriteItem[];

/** For the compiler alone: it never runs. */
function handlers(): void {
  queue.consume("g", async ({ body }) => send(body.to));
  queue.consume("g", ({ body }, { attempt, signal }) => [body.to, attempt, signal.aborted], { ackEvery: 10 });
  queue.consume("g", (messages, { handled }) => handled(messages.length), { batchSize: 10 });
  queue.consume("g", (messages) => write(messages), { mode: "transaction", batchSize: 10 });
  // @ts-expect-error A handler in a transaction answers writes.
  queue.consume("g", () => undefined, { mode: "transaction" });
  // @ts-expect-error One message at a time without a size.
  queue.consume("g", (messages) => messages.length, {});

  const place = { client, queue: "q", group: "g" };
  createQueueHandler<Letter>({ ...place, handler: async ({ body }) => send(body.to) });
  createQueueHandler<Letter>({
    ...place,
    handler: (messages) => messages.map(({ body }) => body.to),
    batchSize: 10,
  });
  createQueueHandler<Letter>({ ...place, handler: (messages) => write(messages), mode: "transaction" });
}

it("gives handlers what they ask for", () => {
  expect(handlers).toBeTypeOf("function");
});
