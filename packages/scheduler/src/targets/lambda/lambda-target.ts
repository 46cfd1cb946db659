import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Destination } from "../../destinations/destination.ts";
import { FunctionFailedError } from "../errors.ts";
import { occurrenceEvent } from "../occurrence-event.ts";
import type { OutsideTarget } from "../target.ts";
import { settingsOf, type TargetOptions, type WithPayload } from "../target-options.ts";

export interface LambdaTargetOptions extends TargetOptions {
  readonly client: LambdaClient;
  /** Name, ARN or part of one; with a version or an alias behind a colon. */
  readonly functionName: string;
  /**
   * `event`: Lambda takes the occurrence in and invokes the function later, and again if that fails; the occurrence is fired once Lambda
   * has it. `requestResponse`: the function's answer is waited for, and its failure is one of the occurrence.
   */
  readonly invocation: "event" | "requestResponse";
}

/**
 * Invokes a Lambda function with an `OccurrenceEvent`: at least once; `dropDuplicates` makes a handler one that does an occurrence
 * once. An error of the function's is tried again as often as the schedule says; throttles and faults of the service until
 * they are over. With `requestResponse`, give a `timeoutMs` above the function's own.
 *
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 *
 * @throws TypeError for a kind of invocation that there is not.
 */
export function lambda<Schema extends StandardSchemaV1>(
  options: LambdaTargetOptions & WithPayload<Schema>,
): OutsideTarget & WithPayload<Schema>;
export function lambda(options: LambdaTargetOptions): OutsideTarget;
export function lambda(options: LambdaTargetOptions): OutsideTarget {
  const { invocation } = options;
  if (invocation !== "event" && invocation !== "requestResponse") {
    throw new TypeError(
      `invocation is ${JSON.stringify(invocation)}; it has to be event or requestResponse.`,
    );
  }
  return {
    ...settingsOf(options),
    kind: "lambda",
    fire: async (occurrence, { signal }) => invoke(options, occurrenceEvent(occurrence), signal),
  };
}

/** Answers what the function did, parsed; undefined when it was not waited for. */
async function invoke(
  { client, functionName, invocation }: LambdaTargetOptions,
  event: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const InvocationType = invocation === "event" ? "Event" : "RequestResponse";
  const input = { FunctionName: functionName, InvocationType, Payload: JSON.stringify(event) } as const;
  const { FunctionError, Payload } = await client.send(new InvokeCommand(input), { abortSignal: signal });
  if (invocation === "event") return undefined;
  const response = parseResponse(Payload?.transformToString() ?? "");
  if (FunctionError !== undefined) throw new FunctionFailedError(functionName, response);
  return response;
}

/** A function may answer what is no JSON, of a runtime of its own. */
function parseResponse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/** Invokes a Lambda function with each record: `event`, as destinations of Lambda do. At least once, and the function fails for itself. */
export function lambdaDestination(to: Pick<LambdaTargetOptions, "client" | "functionName">): Destination {
  return {
    kind: "lambda",
    async send(record, { signal }) {
      await invoke({ ...to, invocation: "event" }, record, signal);
    },
  };
}
