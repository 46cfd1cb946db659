import type { AnyEvent, ReactorProjection } from "../definition/projection.ts";
import { GivenUpError, WorkEndedError, tryUntilDone } from "@tuppence/core/failures";
import {
  type Applied,
  type Applier,
  attemptsOf,
  buildContext,
  type EventBatch,
  type SlotContext,
} from "./slot-context.ts";

/** How long effects go on before the position is stored, in milliseconds: about what comes again after a crash. */
const MAX_STALE_MS = 500;

/** Does side effects, one after the other. */
export class ReactorApplier implements Applier {
  readonly #context: SlotContext;
  readonly #projection: ReactorProjection;

  constructor(context: SlotContext, projection: ReactorProjection) {
    this.#context = context;
    this.#projection = projection;
  }

  async apply(batch: EventBatch): Promise<Applied> {
    const { position, ending } = this.#context;
    const isReplay = batch.upTo <= position.done;
    for (const event of batch.events) {
      if (ending.aborted) throw new WorkEndedError();
      try {
        await this.#react(event);
      } catch (error) {
        if (!(error instanceof GivenUpError)) throw error;
        const failed = { event, error: error.cause, attempts: error.attempts };
        return { upTo: event.position - 1, isMoved: false, failed };
      }
      if (isReplay || batch.changes.length > 0) continue;
      position.reached(event.position);
      if (position.staleMs >= MAX_STALE_MS) await position.store();
    }
    return { upTo: batch.upTo, isMoved: false };
  }

  #react(event: AnyEvent): Promise<void> {
    const { slot } = this.#context;
    const { maxAttempts, name } = this.#projection;
    const idempotencyKey = `${name}/${event.eventId}`;
    return tryUntilDone(attemptsOf(this.#context, maxAttempts), async (attempt) => {
      await this.#projection.react(event, {
        ...buildContext(this.#context),
        slot: slot.slot,
        attempt,
        idempotencyKey,
      });
    });
  }
}
