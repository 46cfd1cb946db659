import type { DynamoDBClient, ServiceInputTypes, ServiceOutputTypes } from "@aws-sdk/client-dynamodb";
import type { DeserializeMiddleware, InitializeMiddleware } from "@smithy/types";
import { type Intercept, interceptLeanCalls } from "../src/dynamodb/lean/interceptors.ts";

/** What happens to one request. "lost before": it never arrives. "lost after": it is carried out, its reply is lost. */
export type Fate = "pass" | "lost before" | "lost after" | "throttled";

/** Where faults come in: what the SDK's own retries see, or what is left after them. */
export type FaultPlace = "inside the SDK's retries" | "outside the SDK's retries";

/** Decides the fate of each request of a real client: in its own middleware stack, and around its lean calls. */
export function injectFaults(
  client: DynamoDBClient,
  place: FaultPlace,
  decide: (operation: string) => Fate | Error,
): void {
  const inject: InitializeMiddleware<ServiceInputTypes, ServiceOutputTypes> = (next, context) => (args) =>
    meet(decide(String(context["commandName"]).replace(/Command$/, "")), () => next(args));
  const intercept: Intercept = ({ operation, input }, next) => meet(decide(operation), () => next(input));
  if (place === "outside the SDK's retries") {
    client.middlewareStack.add(inject, { step: "initialize", priority: "high", name: "faults" });
    interceptLeanCalls(client, { call: intercept });
  } else {
    client.middlewareStack.add(
      inject as unknown as DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes>,
      {
        step: "deserialize",
        priority: "high",
        name: "faults",
      },
    );
    interceptLeanCalls(client, { attempt: intercept });
  }
}

async function meet<Result>(fate: Fate | Error, send: () => Promise<Result>): Promise<Result> {
  if (fate instanceof Error) throw fate;
  if (fate === "throttled") {
    throw Object.assign(new Error("slow down"), {
      name: "ProvisionedThroughputExceededException",
      $fault: "client",
      $metadata: { httpStatusCode: 400 },
    });
  }
  if (fate === "lost before") throw connectionReset();
  if (fate === "pass") return send();
  // The reply is lost, be it a success or a refusal.
  await send().then(
    () => undefined,
    () => undefined,
  );
  throw connectionReset();
}

function connectionReset(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}
