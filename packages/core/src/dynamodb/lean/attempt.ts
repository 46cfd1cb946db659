import type { ClientConfig, HttpRequest, HttpResponse } from "./client-config.ts";
import { decodeReply } from "./dynamodb-json.ts";
import { mayBeClockSkew } from "./error-type.ts";
import { serviceError } from "./service-error.ts";
import type { Target } from "./target.ts";

/** One request of a call, ready to be signed. */
export interface AttemptRequest {
  readonly target: Target;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal | undefined;
}

/** Signs a request, and gives what sends it and reads the reply. */
export async function prepareAttempt(
  config: ClientConfig,
  { target, headers, body, signal }: AttemptRequest,
): Promise<() => Promise<Record<string, unknown>>> {
  const { protocol, hostname, port, path, query, signer, signingRegion, signingService } = target;
  const request: HttpRequest = {
    method: "POST",
    protocol,
    hostname,
    ...(port !== undefined && { port }),
    path,
    query,
    headers: { ...target.headers, ...headers },
    body,
  };
  const correctClock = !(await config.disableClockSkewCorrection?.());
  const sentAt = Date.now();
  const offsetMs = correctClock ? config.systemClockOffset : 0;
  const signed = await signer.sign(request, {
    signingDate: new Date(sentAt + offsetMs),
    signingRegion,
    signingService,
  });
  return async () => {
    const { response }: { response: HttpResponse } = await config.requestHandler.handle(
      signed,
      signal && { abortSignal: signal },
    );
    if (correctClock)
      config.systemClockOffset = clockOffsetMs(response.headers, sentAt) ?? config.systemClockOffset;
    try {
      return await readReply(config, response);
    } catch (error) {
      throw Math.abs(config.systemClockOffset - offsetMs) >= CLOCK_SKEW_MS ? clockCorrected(error) : error;
    }
  };
}

async function readReply(config: ClientConfig, response: HttpResponse): Promise<Record<string, unknown>> {
  const { statusCode, headers } = response;
  const requestId =
    headers["x-amzn-requestid"] ?? headers["x-amzn-request-id"] ?? headers["x-amz-request-id"];
  const $metadata = { httpStatusCode: statusCode, ...(requestId !== undefined && { requestId }) };
  let reply: Record<string, unknown>;
  try {
    reply = decodeReply(Buffer.from(await config.streamCollector(response.body)).toString());
  } catch (error) {
    // The reply was cut, or something between us and DynamoDB answered: the status is all that is known.
    throw Object.assign(withResponse(error as Error, response), { $metadata });
  }
  if (statusCode < 300) return { $metadata, ...reply };
  throw withResponse(serviceError(reply, $metadata, headers["x-amzn-errortype"]), response);
}

/** The reply as the SDK gives it along: there for who looks, and not printed. */
function withResponse<Failure extends Error>(error: Failure, response: HttpResponse): Failure {
  return Object.defineProperty(error, "$response", {
    value: response,
    enumerable: false,
    configurable: true,
  });
}

/** A reply that took longer to come says nothing about the clock. */
const MAX_REPLY_MS = 900_000;

/** How far this machine's clock is off by a reply's date, which is cut to the second; undefined when it does not say. */
function clockOffsetMs(headers: HttpResponse["headers"], sentAt: number): number | undefined {
  const { date, age } = headers;
  // A reply with an age comes out of a cache.
  if (date === undefined || age !== undefined) return undefined;
  const now = Date.now();
  const offset = Date.parse(date) - now;
  return Number.isNaN(offset) || now - sentAt > MAX_REPLY_MS ? undefined : offset;
}

/** AWS refuses signatures that are 5 minutes off. What was nearly so is worth another try with the corrected clock. */
const CLOCK_SKEW_MS = 240_000;

function clockCorrected(error: unknown): unknown {
  if (error instanceof Error && mayBeClockSkew(error)) {
    const failure = error as Error & { $metadata?: object };
    failure.$metadata = { ...failure.$metadata, clockSkewCorrected: true };
  }
  return error;
}
