import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBCalls } from "../calls.ts";
import { createLeanCall } from "./lean-call.ts";

/**
 * The calls without the SDK's commands, for less than half of their CPU time.
 *
 * @throws TypeError when the client is none of the SDK's.
 */
export function leanCalls(client: DynamoDBClient): DynamoDBCalls {
  const call = createLeanCall(client);
  return {
    putItem: (input, signal) => call("PutItem", input, signal),
    // The token, as the SDK's command gives it: one for all attempts of a call.
    transactWriteItems: (input, signal) =>
      call(
        "TransactWriteItems",
        { ...input, ClientRequestToken: input.ClientRequestToken ?? randomUUID() },
        signal,
      ),
    query: (input, signal) => call("Query", input, signal),
  };
}
