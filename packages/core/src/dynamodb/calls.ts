import {
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { HandlerExecutionContext } from "@smithy/types";
import { allowManyWaiters } from "../shared-signal.ts";

/**
 * The calls to DynamoDB that are hot. Inputs, outputs and errors are those of the SDK's commands: errors are told
 * apart by `name`, carry `$metadata`, and bring back `Item` or `CancellationReasons` where the SDK's do.
 */
export interface DynamoDBCalls {
  putItem(input: PutItemCommandInput, signal: AbortSignal | undefined): Promise<unknown>;
  transactWriteItems(
    input: TransactWriteItemsCommandInput,
    signal: AbortSignal | undefined,
  ): Promise<unknown>;
  query(
    input: QueryCommandInput,
    signal: AbortSignal | undefined,
  ): Promise<Pick<QueryCommandOutput, "Items" | "LastEvaluatedKey">>;
}

/** The calls through the SDK's own commands, with all middleware of the client. */
export function sdkCalls(client: DynamoDBClient): DynamoDBCalls {
  return {
    putItem: (input, signal) => client.send(new PutItemCommand(input), abortedBy(signal)),
    transactWriteItems: (input, signal) =>
      client.send(new TransactWriteItemsCommand(input), abortedBy(signal)),
    query: (input, signal) => {
      const command = new QueryCommand(input);
      command.middlewareStack.add(withoutUnreadLog, { step: "initialize", name: "tuppenceWithoutUnreadLog" });
      return client.send(command, abortedBy(signal));
    },
  };
}

/**
 * The SDK copies each reply for its logger, value by value, even for the one that does nothing, which clients have
 * unless they are given another: a fifth of the CPU time of a page of items. That one is told with the reply as it is.
 */
function withoutUnreadLog<Handler>(next: Handler, context: HandlerExecutionContext): Handler {
  const { logger } = context;
  if (logger === undefined || logger.constructor.name === "NoOpLogger") {
    context["outputFilterSensitiveLog"] = (output: unknown) => output;
  }
  return next;
}

/** Without a signal no options at all: only then a client with `cacheMiddleware` uses its cache. */
export function abortedBy(signal: AbortSignal | undefined): { abortSignal: AbortSignal } | undefined {
  return signal && { abortSignal: allowManyWaiters(signal) };
}
