import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** Where faults come in: before the SDK's own retries, or within them. */
export type InterceptPlace = "call" | "attempt";

/** One request of a real client. */
export interface SentRequest {
  /** `PutItem`, `Query`, … */
  readonly operation: string;
  readonly input: object;
}

interface Arguments {
  readonly input: object;
}

interface Reply {
  readonly output: object;
}

type Next = (args: Arguments) => Promise<Reply>;
type Context = Readonly<Record<string, unknown>>;

/** Comes between a client and its requests, in the client's own middleware stack. */
export function interceptRequests(
  client: DynamoDBClient,
  intercept: (request: SentRequest, send: () => Promise<object>) => Promise<object>,
  place: InterceptPlace = "call",
): void {
  const middleware = (next: Next, context: Context) => async (args: Arguments) => {
    const operation = String(context["commandName"]).replace(/Command$/, "");
    let reply: Reply | undefined;
    const output = await intercept({ operation, input: args.input }, async () => {
      reply = await next(args);
      return reply.output;
    });
    return { ...reply, output };
  };
  const step = place === "call" ? "initialize" : "deserialize";
  // Its types differ between the steps; what is used of them does not.
  client.middlewareStack.add(middleware as never, { step, priority: "high", name: "intercepted" } as never);
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
