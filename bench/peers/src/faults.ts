import type { DynamoDB, ServiceInputTypes, ServiceOutputTypes } from "@aws-sdk/client-dynamodb";
import type { DeserializeMiddleware } from "@smithy/types";

/** Counts the writes of a client, and has it fail as if its process had ended after so many. */
export function endAfterWrites(
  client: DynamoDB,
  allowed = Number.POSITIVE_INFINITY,
): Disposable & { readonly writes: number } {
  const seen = {
    writes: 0,
    [Symbol.dispose]: () => void client.middlewareStack.remove(END_AFTER_WRITES),
  };
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (seen.writes >= allowed) throw new Error("The process has ended.");
        if (isWrite(commandName)) seen.writes++;
        return next(args);
      },
    // Outside of the SDK's retries: what has ended tries nothing again.
    { step: "initialize", priority: "high", name: END_AFTER_WRITES },
  );
  return seen;
}

const END_AFTER_WRITES = "end-after-writes";

/** Throws the reply of the next write away once it has been carried out. The SDK takes it for a broken connection and tries again. */
export function loseNextReply(client: DynamoDB): { readonly lost: number } {
  const seen = { lost: 0 };
  const lose: DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
    (next, { commandName }) =>
    async (args) => {
      const result = await next(args);
      if (seen.lost > 0 || !isWrite(commandName)) return result;
      seen.lost++;
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    };
  client.middlewareStack.add(lose, { step: "deserialize", priority: "high", name: "lose-reply" });
  return seen;
}

const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"]);

function isWrite(commandName: unknown): boolean {
  return WRITES.has(String(commandName).replace(/Command$/, ""));
}
