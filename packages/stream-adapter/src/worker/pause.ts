import type { Runtime } from "@tuppence/core";

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
