import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { prepareAttempt } from "./attempt.ts";
import { type ClientConfig, clientConfig } from "./client-config.ts";
import { encodeRequest } from "./dynamodb-json.ts";
import { type Call, intercepted, interceptorsOf } from "./interceptors.ts";
import { retrying } from "./retrying.ts";
import { targetOf } from "./target.ts";

/**
 * Makes one call of DynamoDB's API. Input, output and errors are those of the SDK's command of that name. Operations
 * whose input has a `ClientRequestToken` need it from the caller.
 */
export type LeanCall = (
  operation: string,
  input: object,
  signal: AbortSignal | undefined,
) => Promise<Record<string, unknown>>;

/**
 * Calls without the SDK's commands: the client's own credentials, signer, endpoint rules, HTTP handler, clock offset
 * and retry strategy, but none of its middleware.
 *
 * @throws TypeError when the client is none of the SDK's.
 */
export function createLeanCall(client: DynamoDBClient): LeanCall {
  const config = clientConfig(client);
  const interceptors = interceptorsOf(client);
  const findTarget = targetOf(config);
  let userAgent: string | undefined;

  const call = async ({ operation, input }: Call, signal: AbortSignal | undefined): Promise<object> => {
    // A text: Node writes it together with the headers at once, where bytes would be a second buffer.
    const body = encodeRequest(input);
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      "content-length": String(Buffer.byteLength(body)),
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      "amz-sdk-invocation-id": randomUUID(),
      "user-agent": (userAgent ??= await userAgentOf(config)),
    };
    const target = await findTarget();
    return retrying(config, signal, async (attempt, maxAttempts) => {
      const send = await prepareAttempt(config, {
        target,
        headers: { ...headers, "amz-sdk-request": `attempt=${attempt}; max=${maxAttempts}` },
        body,
        signal,
      });
      if (interceptors.length === 0) return send();
      return intercepted(
        interceptors.map((each) => each.attempt),
        { operation, input },
        send,
      );
    });
  };

  return async (operation, input, signal) => {
    const output = await intercepted(
      interceptors.map((each) => each.call),
      { operation, input },
      (given) => call({ operation, input: given }, signal),
    );
    return output as Record<string, unknown>;
  };
}

/** The SDK's own header, without its list of the features that were used. */
async function userAgentOf(config: ClientConfig): Promise<string> {
  const appId = await config.userAgentAppId?.();
  const parts = [...(await config.defaultUserAgentProvider()), ...(config.customUserAgent ?? [])];
  if (appId !== undefined) parts.push(["app", appId]);
  return parts
    .map(([name, version]) =>
      version === undefined
        ? clean(name)
        : `${clean(name)}${name.includes("/") ? "#" : "/"}${clean(version)}`,
    )
    .join(" ");
}

/** What a token of the header can't hold becomes a hyphen. */
function clean(text: string): string {
  return text.replace(/[^\w!$%&'*+.^`|~/#-]/g, "-");
}
