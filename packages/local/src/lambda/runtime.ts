import { setTimeout as sleep } from "node:timers/promises";

/** Time, injected so that tests can take its place. */
export interface Runtime {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Waits; returns early, without an error, when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const SYSTEM_RUNTIME: Runtime = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
