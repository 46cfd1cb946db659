import { RetryAfterError } from "@tuppence/core/failures";
import type { Message } from "../message.ts";
import type { HandlerContext } from "./consume-options.ts";
import { DeliveryExpiredError } from "./group-errors.ts";
import { keyOfParked, type LaneState } from "./lane-state.ts";

/** A message that was delivered, until it is acknowledged or refused. */
export interface Delivery<Body = unknown> {
  readonly message: Message<Body>;
  /** Which delivery of the message to this process it is, from 1. */
  readonly attempt: number;
  readonly lane: number;
  /** Aborted when the lane is lost: what is done from then on may be done twice. */
  readonly signal: AbortSignal;
  /**
   * The message is done; resolves when that is stored. The next one of the lane comes after that. Twice, it answers the same.
   *
   * @throws DeliveryExpiredError when it comes too late, or after a `nack`: the message is delivered again.
   */
  readonly ack: () => Promise<void>;
  /**
   * Not done: it comes again. With `delayMs` after that time, however often; without, as one that failed (`error` says why), so that
   * `maxAttempts` and `onFailure` hold.
   *
   * @throws DeliveryExpiredError after an `ack`.
   */
  readonly nack: (options?: NackOptions) => void;
}

export interface NackOptions {
  readonly delayMs?: number | undefined;
  readonly error?: unknown;
}

/** A message that waits to be taken, to be acknowledged, and for that to be stored. */
export class PendingDelivery {
  readonly delivery: Delivery;
  /** What the lane waits for. */
  readonly settled: Promise<void>;
  #settle: (failure?: { readonly error: unknown }) => void = () => undefined;
  readonly #stored: Promise<void>;
  #store: (failure?: { readonly error: unknown }) => void = () => undefined;
  #state: "open" | "acked" | "nacked" | "expired" = "open";

  constructor(message: Message, { attempt, lane, signal }: HandlerContext) {
    this.settled = new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure ? reject(failure.error) : resolve());
    });
    this.#stored = new Promise((resolve, reject) => {
      this.#store = (failure) => (failure ? reject(failure.error) : resolve());
    });
    // Whoever acknowledges is told; nobody has to.
    this.#stored.catch(() => undefined);
    const ack = (): Promise<void> => this.#ack();
    const nack = (options: NackOptions = {}): void => this.#nack(options);
    this.delivery = { message, attempt, lane, signal, ack, nack };
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Takes in what is stored of the lane; answers whether the message is done with it. */
  moved(state: LaneState): boolean {
    const { position } = this.delivery.message;
    if (this.#state !== "acked" || position > state.done || keyOfParked(state, position) !== undefined) {
      return false;
    }
    this.#store();
    return true;
  }

  /** It is delivered again, here or elsewhere. */
  expire(cause?: unknown): void {
    const error = new DeliveryExpiredError(this.delivery.message.position, { cause });
    if (this.#state === "open") this.#state = "expired";
    this.#store({ error });
    this.#settle({ error });
  }

  async #ack(): Promise<void> {
    if (this.#state !== "open" && this.#state !== "acked") {
      throw new DeliveryExpiredError(this.delivery.message.position);
    }
    this.#state = "acked";
    this.#settle();
    return this.#stored;
  }

  #nack({ delayMs, error }: NackOptions): void {
    const { position } = this.delivery.message;
    if (this.#state === "nacked") return;
    if (this.#state !== "open") throw new DeliveryExpiredError(position);
    this.#state = "nacked";
    const cause = error ?? new Error(`Message ${position} was refused.`);
    const isPutOff = delayMs !== undefined;
    this.#settle({
      error: isPutOff
        ? new RetryAfterError(`Message ${position} was put off.`, { retryAfterMs: delayMs, cause })
        : cause,
    });
  }
}
