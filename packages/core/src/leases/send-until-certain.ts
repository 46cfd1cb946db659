import { UncertainWriteError } from "../chain/storage.ts";
import { backoffMs, type Runtime } from "../runtime.ts";

const RESEND_BACKOFF = { baseMs: 25, maxMs: 1_000 };

/**
 * Sends a write that may be repeated, until it is known what became of it.
 *
 * @throws UncertainWriteError when that does not become known in so many sends, the first included; it says whether any of them may
 *   have been applied.
 */
export async function sendUntilCertain<Result>(
  { runtime, maxSends, signal }: Resending,
  send: () => Promise<Result>,
): Promise<Result> {
  let mayBeWritten = false;
  for (let sends = 1; ; sends++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof UncertainWriteError)) throw error;
      mayBeWritten ||= error.mayBeWritten;
      if (sends >= maxSends) throw new UncertainWriteError({ mayBeWritten, cause: error.cause });
      await runtime.sleep(backoffMs(sends - 1, RESEND_BACKOFF, runtime.random), signal);
    }
  }
}

interface Resending {
  readonly runtime: Runtime;
  readonly maxSends: number;
  readonly signal?: AbortSignal | undefined;
}
