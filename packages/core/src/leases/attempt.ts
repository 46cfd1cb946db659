import { UncertainWriteError } from "../chain/storage.ts";
import { LinkedAbort } from "../linked-abort.ts";
import { pause, type Runtime } from "../runtime.ts";

/** Sends one request; gives up on it when it takes too long, and when the signal is aborted. */
export async function attempt<Result>(
  runtime: Runtime,
  limits: AttemptLimits,
  send: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { signal, timeoutMs } = limits;
  signal?.throwIfAborted();
  using givenUp = new LinkedAbort(signal);
  const ended = new AbortController();
  const giveUpInTime = async (): Promise<void> => {
    const isLate = await pause(runtime, timeoutMs, ended.signal);
    if (isLate) givenUp.abort(new Error(`There was no answer within ${timeoutMs} ms.`));
  };
  const timer = giveUpInTime();
  const noAnswer = new Promise<never>((_, reject) => {
    givenUp.signal.addEventListener("abort", () => reject(givenUp.signal.reason), { once: true });
  });
  try {
    return await Promise.race([send(givenUp.signal), noAnswer]);
  } finally {
    // With a reason: the one that is made otherwise has a stack trace, and costs more than the rest of this function.
    ended.abort("ended");
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
