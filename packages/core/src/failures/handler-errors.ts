import { TuppenceError } from "../errors.ts";

/**
 * To be thrown by handlers, reactors and targets: trying again is of no use. What it is about is parked, skipped or stops the
 * work, as the failure policy says, without further attempts.
 */
export class NonRetryableError extends TuppenceError {
  readonly code = "nonRetryable";
  readonly retryable = false;
  /** The position of the event or message that it is about; undefined: any of the batch. */
  readonly position: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly position?: number | undefined } = {}) {
    super(message, options);
    this.position = options.position;
  }
}

/** What a timer takes at most, in milliseconds. */
const MAX_RETRY_AFTER_MS = 2 ** 31 - 1;

/**
 * To be thrown by handlers, reactors and targets: not now, but after a while. It is tried again for ever.
 *
 * @throws RangeError when `retryAfterMs` is no number from 0 to 2,147,483,647.
 */
export class RetryAfterError extends TuppenceError {
  readonly code = "retryAfter";
  readonly retryable = true;
  readonly retryAfterMs: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs: number }) {
    super(message, options);
    const { retryAfterMs } = options;
    if (!(retryAfterMs >= 0 && retryAfterMs <= MAX_RETRY_AFTER_MS)) {
      throw new RangeError(`retryAfterMs is ${String(retryAfterMs)}; it can't be.`);
    }
    this.retryAfterMs = retryAfterMs;
  }
}
