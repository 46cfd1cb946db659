import { setTimeout as delay } from "node:timers/promises";

const FIRST_DELAY_MS = 20;
const LONGEST_DELAY_MS = 200;
const REQUEST_TIMEOUT_MS = 2_000;

/** However little time is left, an answer on a busy machine gets this much: it says more than that there was none. */
const LAST_REQUEST_TIMEOUT_MS = 1_000;

export interface ReadinessOptions {
  /** How long to ask, in milliseconds; it is asked at least once, and the last request may take a second more. */
  readonly timeoutMs: number;
  /** The name that the server was started with (see `server-arguments.ts`); default: any server will do. */
  readonly serverName?: string | undefined;
  /** Stops the asking, for instance because the server is gone. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves once a DynamoDB answers at the endpoint.
 *
 * @throws Error that says why the last answer was none, or the signal's reason
 */
export async function waitUntilAnswers(endpoint: string, options: ReadinessOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 1.5, LONGEST_DELAY_MS)) {
    const leftMs = deadline - performance.now();
    const problem = await ask(
      endpoint,
      options,
      Math.max(LAST_REQUEST_TIMEOUT_MS, Math.min(REQUEST_TIMEOUT_MS, leftMs)),
    );
    options.signal?.throwIfAborted();
    if (problem === undefined) return;
    if (performance.now() + delayMs > deadline) throw problem;
    await delay(delayMs);
  }
}

async function ask(
  endpoint: string,
  options: ReadinessOptions,
  requestTimeoutMs: number,
): Promise<Error | undefined> {
  const timeout = AbortSignal.timeout(Math.ceil(requestTimeoutMs));
  const headers = new Headers({
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
  });
  // The server gives its name only to who claims to come from there.
  if (options.serverName !== undefined) headers.set("Origin", options.serverName);
  try {
    // Without credentials: every DynamoDB refuses it in DynamoDB's own way, and none makes a database for it.
    const response = await fetch(endpoint, {
      method: "POST",
      headers,
      body: "{}",
      signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]),
    });
    await response.arrayBuffer();
    const type = response.headers.get("content-type");
    if (type?.startsWith("application/x-amz-json") !== true) {
      return new Error(`What answers at ${endpoint} is not DynamoDB: HTTP ${response.status}, ${type}`);
    }
    const name = response.headers.get("access-control-allow-origin");
    if (options.serverName !== undefined && name !== options.serverName) {
      return new Error(`Another DynamoDB answers at ${endpoint}`);
    }
    return undefined;
  } catch (cause) {
    return new Error(`Nothing answers at ${endpoint}`, { cause });
  }
}
