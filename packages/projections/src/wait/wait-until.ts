import { DEFAULT_WAIT_TIMEOUT_MS, WaitTimeoutError } from "@tuppence/core";
import type { Registration } from "../builds/registration.ts";
import { ProjectionMissingError } from "../errors.ts";
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
 * Looks at a projection again and again until there is a result; not before a worker has made it known, which may happen while it is
 * waited for. `look` is told how many milliseconds are left, at least 1.
 *
 * @throws WaitTimeoutError when there is none in time; ProjectionMissingError when not even the projection is known by then; RangeError
 * for times that are none.
 */
export async function waitUntil<Result>(
  { runtime, registrations }: Pick<WaitPlace, "runtime" | "registrations">,
  {
    projection,
    awaited,
    look,
  }: {
    /** Its name. */
    readonly projection: string;
    /** For people. */
    readonly awaited: string;
    readonly look: (
      registration: Registration,
      leftMs: number,
    ) => Promise<{ readonly result: Result } | undefined>;
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
    const registration = await registrations.current(projection, signal);
    const leftMs = Math.max(1, Math.ceil(deadline - runtime.monotonic()));
    const found = registration && (await look(registration, leftMs));
    if (found !== undefined) return found.result;
    const left = deadline - runtime.monotonic();
    if (left <= 0) {
      throw registration === undefined
        ? new ProjectionMissingError(projection)
        : new WaitTimeoutError(awaited, timeoutMs);
    }
    await runtime.sleep(Math.min(pollIntervalMs, left), signal);
  }
}
