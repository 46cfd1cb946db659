import { LinkedAbort } from "@tuppence/core";
import type { Message } from "../message.ts";
import type { HandlerContext } from "./consume-options.ts";
import { type Delivery, PendingDelivery } from "./deliveries.ts";
import type { QueueConsumer } from "./group-consumer.ts";
import type { GroupEvent } from "./group-event.ts";
import type { LaneState } from "./lane-state.ts";

/** What deliveries need of the consumer they come from. */
export interface DeliveryHooks {
  readonly handler: (message: Message, context: HandlerContext) => Promise<void>;
  /** Called whenever the state of a lane has been stored. */
  readonly onMoved: (lane: number, state: LaneState) => void;
  readonly onEvent: (event: GroupEvent) => void;
}

/** The messages of a group, one after the other in each lane: the next comes when the one before is acknowledged. */
export async function* deliverMessages(
  consume: (hooks: DeliveryHooks) => QueueConsumer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Delivery, void, undefined> {
  const pending = new Set<PendingDelivery>();
  const waiting: PendingDelivery[] = [];
  let wake: () => void = () => undefined;
  const handler: DeliveryHooks["handler"] = async (message, context) => {
    const each = new PendingDelivery(message, context);
    pending.add(each);
    waiting.push(each);
    wake();
    using lost = new LinkedAbort(context.signal);
    lost.signal.addEventListener("abort", () => each.expire(context.signal.reason), { once: true });
    try {
      await each.settled;
    } catch (error) {
      pending.delete(each);
      throw error;
    }
  };
  const onMoved: DeliveryHooks["onMoved"] = (lane, state) => {
    for (const each of pending) {
      if (each.delivery.lane === lane && each.moved(state)) pending.delete(each);
    }
  };
  const onEvent: DeliveryHooks["onEvent"] = (event) => {
    if (event.type !== "laneStopped") return;
    for (const each of pending) {
      if (each.delivery.lane !== event.lane) continue;
      pending.delete(each);
      each.expire();
    }
  };
  const consumer = consume({ handler, onMoved, onEvent });
  const ended = new LinkedAbort(signal);
  ended.signal.addEventListener("abort", () => wake(), { once: true });
  try {
    await consumer.start();
    while (!ended.signal.aborted) {
      const next = waiting.shift();
      if (next?.isOpen) yield next.delivery;
      else if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (ended.signal.aborted) resolve();
        });
      }
    }
  } finally {
    ended[Symbol.dispose]();
    for (const each of pending) if (each.isOpen) each.expire();
    await consumer.stop();
  }
}
