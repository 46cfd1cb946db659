import { setTimeout as sleep } from "node:timers/promises";
import { allowManyWaiters } from "./shared-signal.ts";

/** What the outside world gives: time, chance and waiting. Injected, so that tests can take its place. */
export interface Runtime {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds since some moment: never goes back, whatever is done to the clock. For durations. */
  readonly monotonic: () => number;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Waits; rejects with the signal's reason when it is aborted first. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The clocks, the chance and the timers of the machine. */
export const SYSTEM_RUNTIME: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal: allowManyWaiters(signal) }),
};

/** Full jitter: a random part of a pause that doubles with each attempt (from 0), up to `maxMs`. */
export function backoffMs(
  attempt: number,
  limits: { readonly baseMs: number; readonly maxMs: number },
  random: () => number,
): number {
  return random() * Math.min(limits.maxMs, limits.baseMs * 2 ** attempt);
}

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
