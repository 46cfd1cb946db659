import { SYSTEM_RUNTIME } from "@tuppence/core";

/** Time that passes when it is told to, and the sleeps that are under way. */
export function virtualTime(): {
  readonly runtime: typeof SYSTEM_RUNTIME;
  readonly pass: (ms: number) => Promise<void>;
  readonly sleeps: () => number;
} {
  let nowMs = 0;
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { atMs: nowMs + ms, wake: resolve };
      sleepers.add(sleeper);
      signal?.addEventListener("abort", () => {
        sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  return {
    runtime: { ...SYSTEM_RUNTIME, monotonic: () => nowMs, sleep },
    sleeps: () => sleepers.size,
    async pass(ms) {
      nowMs += ms;
      for (const sleeper of sleepers) {
        if (sleeper.atMs > nowMs) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await new Promise(setImmediate);
    },
  };
}
