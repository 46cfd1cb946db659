import { backoffMs, type Runtime } from "@tuppence/core";
import { classifyFailure } from "@tuppence/core/failures";
import { attemptTarget } from "../firing/attempt-target.ts";
import type { Destination } from "./destination.ts";
import type { ExecutionRecord } from "./execution-record.ts";

/** All attempts together stay well below what a claim lasts longer than an attempt of its target. */
const MAX_ATTEMPTS = 4;
const ATTEMPT_MS = 4_000;
const BACKOFF = { baseMs: 200, maxMs: 2_000 };

/**
 * Hands a record on, and tries again a few times if that may help.
 *
 * @throws what the destination threw last, or the signal's reason.
 */
export async function sendRecord(
  runtime: Runtime,
  destination: Destination,
  { record, signal }: { readonly record: ExecutionRecord; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const attempt = { name: `${destination.kind} (destination)`, target: { timeoutMs: ATTEMPT_MS }, signal };
  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted();
    try {
      return await attemptTarget({ runtime }, attempt, ({ signal: ending }) =>
        destination.send(record, { signal: ending }),
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (attempts === MAX_ATTEMPTS || classifyFailure(error).kind === "final") throw error;
      await runtime.sleep(backoffMs(attempts - 1, BACKOFF, runtime.random), signal);
    }
  }
}
