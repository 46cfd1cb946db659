import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** What happens to one request. "lost after": it is carried out, its reply is lost. */
export type Fate = "pass" | "lost after" | "throttled";

type Batch = Record<string, unknown>;

/** A call of a real client, before the SDK's own retries. */
export interface InterceptedCall {
  /** `PutItem`, `Query`, … */
  readonly operation: string;
  /** Lets a batch of one table have so many items only; answers the others. */
  takeOnly(count: number): readonly unknown[];
  /** The reply of a batch that says of some that they were not processed. */
  withLeft(reply: unknown, left: readonly unknown[]): unknown;
}

/** Comes between a client and its calls, in the client's own middleware stack. */
export function interceptCalls(
  client: DynamoDBClient,
  intercept: (call: InterceptedCall, send: (fate: Fate) => Promise<unknown>) => Promise<unknown>,
): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const operation = String(context["commandName"]).replace(/Command$/, "");
      const given = { ...args };
      const send = async (fate: Fate): Promise<unknown> => {
        if (fate === "throttled") throw throttled();
        const result = await next(given);
        if (fate === "pass") return result;
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      };
      const requests = (): [string, unknown[] | { readonly Keys: unknown[] }] => {
        const { RequestItems } = given.input as unknown as { readonly RequestItems: Batch };
        return Object.entries(RequestItems)[0] as never;
      };
      const call: InterceptedCall = {
        operation,
        takeOnly(count) {
          const [table, batch] = requests();
          const items = Array.isArray(batch) ? batch : batch.Keys;
          const taken = items.slice(0, count);
          const RequestItems = { [table]: Array.isArray(batch) ? taken : { ...batch, Keys: taken } };
          given.input = { RequestItems } as never;
          return items.slice(count);
        },
        withLeft(reply, left) {
          const { output } = reply as { readonly output: object };
          if (left.length === 0) return reply;
          const [table, batch] = requests();
          const unprocessed = Array.isArray(batch)
            ? { UnprocessedItems: { [table]: left } }
            : { UnprocessedKeys: { [table]: { Keys: left } } };
          return { ...(reply as object), output: { ...output, ...unprocessed } };
        },
      };
      return intercept(call, send) as never;
    },
    { step: "initialize", priority: "high", name: "intercepted" },
  );
}

function throttled(): Error {
  return Object.assign(new Error("slow down"), {
    name: "ProvisionedThroughputExceededException",
    $fault: "client",
    $metadata: { httpStatusCode: 400 },
  });
}
