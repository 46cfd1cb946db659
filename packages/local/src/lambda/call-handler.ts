import { LATEST } from "./function-name.ts";
import { returned, threw } from "./invoke-result.ts";
import type { InvokeResult } from "./local-function.ts";

/** A Lambda handler, of any types: a handler typed with `@types/aws-lambda` is one. Callbacks are not called. */
export type Handler = (event: never, context: never, callback: never) => Promise<unknown> | void;

/** What a handler is told about its invocation. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface LambdaContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  /** A number as text, as it is on Lambda. */
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
}

export interface ContextFields {
  readonly name: string;
  readonly arn: string;
  readonly requestId: string;
  readonly memoryMb: number;
  /** When the time is up, in epoch milliseconds. */
  readonly deadlineMs: number;
}

export function lambdaContext({ name, arn, requestId, memoryMb, deadlineMs }: ContextFields): LambdaContext {
  return {
    functionName: name,
    functionVersion: LATEST,
    invokedFunctionArn: arn,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: requestId,
    logGroupName: logGroupName(name),
    logStreamName: LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

export const LOG_STREAM_NAME = "local";

export function logGroupName(functionName: string): string {
  return `/aws/lambda/${functionName}`;
}

/** Calls a handler and tells what came of it; never rejects. */
export async function callHandler(
  handler: Handler,
  event: unknown,
  context: LambdaContext,
): Promise<InvokeResult> {
  try {
    // oxlint-disable-next-line promise/prefer-await-to-callbacks
    const result: unknown = handler(event as never, context as never, undefined as never);
    // What a handler returns that is no promise is not looked at on Lambda: only a callback could have told it.
    return returned(isPromiseLike(result) ? await result : null);
  } catch (error) {
    return threw(error);
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
