import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { BatchContext, HandlerProjection } from "../definition/projection.ts";
import { applyInHalves } from "./apply-in-halves.ts";
import { WorkEndedError, tryUntilDone } from "@tuppence/core/failures";
import { BatchTooLargeError } from "./batch-too-large-error.ts";
import {
  type Applied,
  type Applier,
  attemptsOf,
  buildContext,
  changesUpTo,
  type EventBatch,
  type SlotContext,
} from "./slot-context.ts";

/** Of a transaction's 100 actions one is for the position. */
const MAX_WRITES = 99;

/** Hands batches to code of the user's own. */
export class HandlerApplier implements Applier {
  readonly #context: SlotContext;
  readonly #projection: HandlerProjection;

  constructor(context: SlotContext, projection: HandlerProjection) {
    this.#context = context;
    this.#projection = projection;
  }

  async apply(batch: EventBatch): Promise<Applied> {
    if (batch.events.length === 0) return { upTo: batch.upTo, isMoved: false };
    return applyInHalves(batch, (part) =>
      this.#projection.mode === "transaction" ? this.#applyTogether(part) : this.#applyOutside(part),
    );
  }

  /** Its writes together with the position: exactly once. */
  async #applyTogether(batch: EventBatch): Promise<Applied> {
    const { position } = this.#context;
    const { maxAttempts } = this.#projection;
    return tryUntilDone(attemptsOf(this.#context, maxAttempts), async (attempt) => {
      const writes = await this.#writesOf(batch, attempt);
      if (writes.length + batch.changes.length > MAX_WRITES) {
        throw tooLarge(`${writes.length} writes follow from ${batch.events.length} events`);
      }
      if (writes.length === 0) return { upTo: batch.upTo, isMoved: false };
      const to = Math.max(batch.upTo, position.done);
      const refused = await position.move({ to, control: changesUpTo(batch.changes, batch.upTo), writes });
      if (refused !== undefined && refused.writes.length > 0) {
        throw new Error(`The conditions of its writes ${refused.writes.join(", ")} did not hold.`);
      }
      // What a replay takes away is gone: an earlier send of it was made.
      return { upTo: batch.upTo, isMoved: true };
    });
  }

  async #writesOf(batch: EventBatch, attempt: number): Promise<readonly TransactWriteItem[]> {
    const writes = await this.#projection.handle(batch.events, this.#contextOf(batch, attempt));
    if (writes === undefined || Array.isArray(writes)) return writes ?? [];
    throw new TypeError(`A handler in transaction mode answers writes, not ${typeof writes}.`);
  }

  /** Anywhere, and then the position: at least once, unless the other database keeps a position of its own. */
  async #applyOutside(batch: EventBatch): Promise<Applied> {
    const { maxAttempts } = this.#projection;
    await tryUntilDone(attemptsOf(this.#context, maxAttempts), async (attempt) => {
      if (attempt > 1) await this.#checkOwnPosition(batch.after);
      await this.#projection.handle(batch.events, this.#contextOf(batch, attempt));
    });
    return { upTo: batch.upTo, isMoved: false };
  }

  /** An attempt that failed may have been made, and another process may have taken over: the slot begins anew there. */
  async #checkOwnPosition(after: number): Promise<void> {
    const position = await loadPosition(this.#context, this.#projection);
    if (position !== undefined && position > after) {
      throw new WorkEndedError(`Its own position is ${position}, behind ${after}.`);
    }
  }

  #contextOf({ after, upTo }: EventBatch, attempt: number): BatchContext {
    const { slot, isLive } = this.#context;
    return { ...buildContext(this.#context), slot: slot.slot, after, upTo, isLive: isLive(), attempt };
  }
}

/** The position that another database keeps; undefined when none does. */
export async function loadPosition(
  context: SlotContext,
  projection: HandlerProjection,
): Promise<number | undefined> {
  if (projection.loadPosition === undefined) return undefined;
  const position =
    (await projection.loadPosition({ ...buildContext(context), slot: context.slot.slot })) ?? 0;
  if (Number.isSafeInteger(position) && position >= 0) return position;
  throw new TypeError(`loadPosition of projection ${projection.name} answered ${String(position)}.`);
}

function tooLarge(what: string): BatchTooLargeError {
  return new BatchTooLargeError(`${what}; a transaction takes ${MAX_WRITES}.`);
}
