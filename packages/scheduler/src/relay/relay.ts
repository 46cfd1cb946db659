/** That a minute of a shard is to be looked at, at a moment. */
export interface WakeUp {
  readonly shard: number;
  readonly minute: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** A wake-up that somebody has received, and that comes again unless he says that it is done. */
export interface ReceivedWakeUp {
  readonly wakeUp: WakeUp;
  /** What the relay knows it by while it is received. */
  readonly receipt: string;
  /** How often it was received, this time included. */
  readonly receives: number;
}

/**
 * Carries wake-ups over a time, for those who have no process that waits: at least once as a rule, never before `delaySeconds`
 * are over, and as late as it likes. What it loses is fired by the doorbell of the minute, later.
 */
export interface Relay {
  /** How long before the end of their minute wake-ups are handed over, in milliseconds. */
  readonly leadMs: number;
  /** Hands wake-ups over, each to be received after so many seconds, 900 at most. */
  send(
    wakeUps: readonly { readonly wakeUp: WakeUp; readonly delaySeconds: number }[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** Keeps a wake-up that was received from coming again for so many seconds, 43,200 at most since it was received. */
  hold(
    receipt: string,
    seconds: number,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
}

/** The longest delay of a message, in seconds. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
export const MAX_DELAY_SECONDS = 900;

/** The longest that a message is kept invisible, in seconds. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html */
export const MAX_HOLD_SECONDS = 43_200;

/** How long before the end of their minute wake-ups are handed over, when nothing else is said: an hour, in milliseconds. TTL may be that late. */
export const DEFAULT_LEAD_MS = 3_600_000;
