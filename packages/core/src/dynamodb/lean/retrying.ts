import type { ClientConfig } from "./client-config.ts";
import { retryAfter, retryErrorType } from "./error-type.ts";

type Strategy = Awaited<ReturnType<ClientConfig["retryStrategy"]>>;
type CurrentStrategy = Extract<Strategy, { readonly acquireInitialRetryToken: unknown }>;

/** One attempt; they count from 1. */
export type Attempt = (attempt: number, maxAttempts: number) => Promise<object>;

type Token = Awaited<ReturnType<CurrentStrategy["acquireInitialRetryToken"]>>;
type Failure = NonNullable<Parameters<CurrentStrategy["refreshRetryTokenForRetry"]>[1]["error"]>;

/** Attempts again as long as the client's retry strategy says so. Output and error tell how often it was. */
export async function retrying(
  config: ClientConfig,
  signal: AbortSignal | undefined,
  attempt: Attempt,
): Promise<object> {
  const strategy = currentStrategy(await config.retryStrategy());
  const maxAttempts = await config.maxAttempts();
  let token = await unlessAborted(strategy.acquireInitialRetryToken(""), signal);
  let totalRetryDelay = 0;
  for (let attempts = 1; ; attempts++) {
    try {
      const output: { $metadata?: object } = await attempt(attempts, maxAttempts);
      strategy.recordSuccess(token);
      output.$metadata = { ...output.$metadata, attempts, totalRetryDelay };
      return output;
    } catch (error) {
      const failure = (error instanceof Error ? error : new Error(String(error))) as Failure;
      const renewed = await unlessAborted(renew(strategy, token, failure), signal);
      if (renewed === undefined) {
        failure.$metadata = { ...failure.$metadata, attempts, totalRetryDelay };
        throw failure;
      }
      token = renewed;
    }
    // The SDK's strategies wait by themselves, today; those of others, and of yesterday, leave it to their caller.
    const delayMs = token.getRetryDelay();
    totalRetryDelay += (token.$retryLog?.acquisitionDelay ?? 0) + delayMs;
    if (delayMs > 0) await unlessAborted(new Promise((resolve) => setTimeout(resolve, delayMs)), signal);
  }
}

/** The next attempt's token, or undefined when there shall be none: that is how strategies refuse. */
function renew(strategy: CurrentStrategy, token: Token, error: Failure): Promise<Token | undefined> {
  const hint = error.$response && retryAfter(error.$response.headers, Date.now());
  const info = { error, errorType: retryErrorType(error), ...(hint && { retryAfterHint: hint }) };
  return strategy.refreshRetryTokenForRetry(token, info).catch(() => undefined);
}

function currentStrategy(strategy: Strategy): CurrentStrategy {
  if ("acquireInitialRetryToken" in strategy) return strategy;
  throw new TypeError(
    "Lean requests need a retry strategy with acquireInitialRetryToken; this client's is of the older kind.",
  );
}

/** What a promise gives, unless the signal is aborted first. What the promise waits for goes on all the same. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
