import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DEFAULT_DATABASE, type LocalClientConfig, localClientConfig } from "../client-config.ts";
import { AsyncInvocations } from "./async-invocations.ts";
import { Concurrency } from "./concurrency.ts";
import { between } from "./function-limits.ts";
import { LATEST } from "./function-name.ts";
import type { InvocationRecord } from "./invocation-record.ts";
import {
  eventTooLarge,
  functionNotFound,
  type InvokeFault,
  MAX_EVENT_BYTES,
  parseEvent,
  parseInvokeHead,
  serviceFault,
  tooManyRequests,
} from "./invoke-request.ts";
import type { LocalFunction } from "./local-function.ts";
import { readBody } from "./read-body.ts";

/**
 * The waits before the retries of an asynchronous invocation, in milliseconds. Lambda waits one minute, and then two.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export const DEFAULT_RETRY_WAITS_MS: readonly number[] = [100, 200];

/**
 * How many invocations of a function run at once, unless it is said: an account's concurrency.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const DEFAULT_CONCURRENCY = 1_000;

export interface LambdaApiOptions {
  readonly functions: readonly LocalFunction[];
  /** Reserved concurrency, by the function's name: above it, callers are throttled; from 0 to 1,000; default: 1,000. */
  readonly concurrency?: Readonly<Record<string, number>> | undefined;
  /** The wait before each retry of an asynchronous invocation, in milliseconds: at most two; default: 100 and 200. */
  readonly retryWaitsMs?: readonly number[] | undefined;
  /** Gets the record of an asynchronous invocation that failed for good, as an on-failure destination does. */
  readonly onFailure?: ((record: InvocationRecord) => Promise<void> | void) | undefined;
}

/** Lambda's Invoke API on this machine. */
export interface LambdaApi extends AsyncDisposable {
  /** Where it answers, e.g. "http://127.0.0.1:43121". */
  readonly endpoint: string;
  /** Returns the configuration to spread into `new LambdaClient(...)`. */
  clientConfig(): LocalClientConfig;
  /** Resolves when no asynchronous invocation is pending: all have succeeded, or failed for good and been reported. */
  whenIdle(): Promise<void>;
  /** Stops answering, at once, and gives up retries. What runs goes on; the functions are yours to stop. */
  stop(): Promise<void>;
}

/** A function with what is counted of it. */
interface Served {
  readonly fn: LocalFunction;
  readonly concurrency: Concurrency;
}

/**
 * Serves Lambda's Invoke API for local functions, on 127.0.0.1, until it is stopped. Any account, Region, version and
 * alias will do to name a function: there is one of each name. Signatures are not checked, and no log is returned.
 *
 * @throws TypeError for two functions of one name, or a concurrency for none
 * @throws RangeError for a concurrency or waits that Lambda would not take
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function startLambdaApi(options: LambdaApiOptions): Promise<LambdaApi> {
  const { retryWaitsMs = DEFAULT_RETRY_WAITS_MS, onFailure } = options;
  if (retryWaitsMs.length > 2)
    throw new RangeError(`Lambda retries twice at most, not ${retryWaitsMs.length} times`);
  const served = serve(options);
  const later = new AsyncInvocations({ retryWaitsMs, onFailure });
  const server = createServer((request, response) => {
    answer(request, response, { served, later }).catch((error: unknown) =>
      tellFault(response, serviceFault(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    later.stop();
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return {
    endpoint,
    clientConfig: () => localClientConfig(endpoint, DEFAULT_DATABASE),
    whenIdle: () => later.whenIdle(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function serve({ functions, concurrency = {} }: LambdaApiOptions): ReadonlyMap<string, Served> {
  const served = new Map<string, Served>();
  for (const fn of functions) {
    if (served.has(fn.name)) throw new TypeError(`There are two functions of the name ${fn.name}`);
    const limit = concurrency[fn.name] ?? DEFAULT_CONCURRENCY;
    between(`concurrency.${fn.name}`, limit, [0, DEFAULT_CONCURRENCY]);
    served.set(fn.name, { fn, concurrency: new Concurrency(limit) });
  }
  for (const name of Object.keys(concurrency)) {
    if (!served.has(name)) throw new TypeError(`concurrency.${name} is for a function that is not there`);
  }
  return served;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { served, later }: { readonly served: ReadonlyMap<string, Served>; readonly later: AsyncInvocations },
): Promise<void> {
  const requestId = randomUUID();
  response.setHeader("x-amzn-RequestId", requestId);
  const head = parseInvokeHead({
    method: request.method ?? "",
    url: request.url ?? "",
    invocationType: request.headers["x-amz-invocation-type"] as string | undefined,
    authorization: request.headers.authorization,
  });
  if ("status" in head) return tellFault(response, head);
  const body = await readBody(request, MAX_EVENT_BYTES[head.type]);
  if (body === "tooLarge") return tellFault(response, eventTooLarge(head.type));
  const found = served.get(head.reference.name);
  if (found === undefined) return tellFault(response, functionNotFound(head.reference));
  const parsed = parseEvent(body);
  if ("status" in parsed) return tellFault(response, parsed);
  const { event } = parsed;
  if (head.type === "DryRun") {
    response.writeHead(204).end();
  } else if (head.type === "Event") {
    if (!later.add({ ...found, event, requestId })) return tellFault(response, tooManyRequests());
    response.writeHead(202).end();
  } else {
    await invokeNow(found, response, { event, requestId });
  }
}

async function invokeNow(
  { fn, concurrency }: Served,
  response: ServerResponse,
  { event, requestId }: { readonly event: unknown; readonly requestId: string },
): Promise<void> {
  if (!concurrency.tryTake()) return tellFault(response, tooManyRequests());
  try {
    const { payload, functionError } = await fn.invoke(event, { requestId });
    response.writeHead(200, {
      "Content-Type": "application/json",
      "X-Amz-Executed-Version": LATEST,
      ...(functionError === undefined ? {} : { "X-Amz-Function-Error": functionError }),
    });
    response.end(payload);
  } finally {
    concurrency.release();
  }
}

function tellFault(response: ServerResponse, { status, errorType, body }: InvokeFault): void {
  response
    .writeHead(status, { "Content-Type": "application/json", "x-amzn-ErrorType": errorType })
    .end(JSON.stringify(body));
}
