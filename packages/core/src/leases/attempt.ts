import { UncertainWriteError } from "../chain/storage.ts";
import type { Runtime } from "../runtime.ts";

/** Waits; answers false when the signal is aborted first. */
export async function pause(runtime: Runtime, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await runtime.sleep(Math.max(0, ms), signal);
    return !signal.aborted;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}

/** Sends one request; gives up on it when it takes too long, and when the signal is aborted. */
export async function attempt<Result>(
  runtime: Runtime,
  limits: AttemptLimits,
  send: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { signal, timeoutMs } = limits;
  signal?.throwIfAborted();
  // Not a derived signal: on Node 20 a long-lived one never lets go of those.
  const givenUp = new AbortController();
  const ended = new AbortController();
  const onAbort = (): void => givenUp.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  const timer = pause(runtime, timeoutMs, ended.signal).then((isLate) => {
    if (isLate) givenUp.abort(new Error(`There was no answer within ${timeoutMs} ms.`));
  });
  const noAnswer = new Promise<never>((_, reject) => {
    givenUp.signal.addEventListener("abort", () => reject(givenUp.signal.reason), { once: true });
  });
  try {
    return await Promise.race([send(givenUp.signal), noAnswer]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    ended.abort();
    await timer;
  }
}

/**
 * Sends one write likewise.
 *
 * @throws UncertainWriteError also when it was given up: what became of it is not known then.
 */
export async function attemptWrite<Result>(
  runtime: Runtime,
  limits: AttemptLimits,
  write: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  let isGivenUp = (): boolean => false;
  try {
    return await attempt(runtime, limits, (signal) => {
      isGivenUp = () => signal.aborted;
      return write(signal);
    });
  } catch (error) {
    throw isGivenUp() ? new UncertainWriteError({ mayBeWritten: true, cause: error }) : error;
  }
}

interface AttemptLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}
