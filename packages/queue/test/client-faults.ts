import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** One request of a real client, before the SDK's own retries. */
export interface SentRequest {
  /** `PutItem`, `Query`, … */
  readonly operation: string;
  readonly input: object;
}

/** Comes between a client and its requests, in the client's own middleware stack. */
export function interceptRequests(
  client: DynamoDBClient,
  intercept: (request: SentRequest, send: () => Promise<object>) => Promise<object>,
): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = String(context["commandName"]).replace(/Command$/, "");
      let reply: Awaited<ReturnType<typeof next>> | undefined;
      const output = await intercept({ operation, input: args.input }, async () => {
        reply = await next(args);
        return reply.output;
      });
      return { ...reply, response: reply?.response, output } as never;
    },
    { step: "initialize", priority: "high", name: "intercepted" },
  );
}

export function connectionReset(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

/** What a strongly consistent global table answers when another Region writes to the same item. */
export function replicatedWriteConflict(): Error {
  return Object.assign(new Error("Another Region writes to the item."), {
    name: "ReplicatedWriteConflictException",
    $fault: "client",
    $metadata: { httpStatusCode: 400 },
  });
}
