import { DEFAULT_WAIT_TIMEOUT_MS, WaitTimeoutError } from "@tuppence/core";
import type { WaitPlace } from "./wait-place.ts";

/** How long a wait for a projection pauses between looks by default, in milliseconds. */
export const DEFAULT_PROJECTION_POLL_INTERVAL_MS = 100;

export interface ProjectionWaitOptions {
  /** Gives up after so many milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** How long to pause between looks, in milliseconds. Default 100. */
  readonly pollIntervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until there is a result. `look` is told how many milliseconds are left, at least 1.
 *
 * @throws WaitTimeoutError when there is none in time; RangeError for times that are none.
 */
export async function waitUntil<Result>(
  { runtime }: Pick<WaitPlace, "runtime">,
  {
    awaited,
    look,
  }: {
    /** For people. */
    readonly awaited: string;
    readonly look: (leftMs: number) => Promise<{ readonly result: Result } | undefined>;
  },
  options: ProjectionWaitOptions,
): Promise<Result> {
  const { timeoutMs = DEFAULT_WAIT_TIMEOUT_MS, signal } = options;
  const { pollIntervalMs = DEFAULT_PROJECTION_POLL_INTERVAL_MS } = options;
  for (const [name, value] of Object.entries({ timeoutMs, pollIntervalMs })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) {
      throw new RangeError(`${name} is ${value}; it has to be a whole number from 1.`);
    }
  }
  const deadline = runtime.monotonic() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const found = await look(Math.max(1, Math.ceil(deadline - runtime.monotonic())));
    if (found !== undefined) return found.result;
    const left = deadline - runtime.monotonic();
    if (left <= 0) throw new WaitTimeoutError(awaited, timeoutMs);
    await runtime.sleep(Math.min(pollIntervalMs, left), signal);
  }
}
