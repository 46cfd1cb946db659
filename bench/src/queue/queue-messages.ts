import { createHash } from "node:crypto";
import { type OrderEvent, orderEvents } from "../order-events.ts";

/** What every contender carries: about 300 bytes of JSON in the body. */
export interface QueueMessage {
  /** A UUID, which stays when the message is sent once more. */
  readonly id: string;
  /** What it is about: order is needed among messages of one key only, in lanes. */
  readonly key: string;
  readonly body: MessageBody;
}

export interface MessageBody extends Omit<OrderEvent["data"], "shipTo"> {
  /** By the shared clock, in milliseconds with three decimals. */
  readonly sentAt: number;
  readonly shipTo: Pick<OrderEvent["data"]["shipTo"], "city" | "postalCode">;
}

const KEYS = 200;
const ORDERS = orderEvents(1_000);

/** So many messages, the same in every run; of `part`s whose ids all differ. */
export function queueMessages(count: number, part = 0): QueueMessage[] {
  return Array.from({ length: count }, (_, index) => queueMessage(index, part));
}

function queueMessage(index: number, part: number): QueueMessage {
  const order = ORDERS[(index + part) % ORDERS.length]?.data;
  if (order === undefined) throw new RangeError(`No order for the message ${index}.`);
  const { city, postalCode } = order.shipTo;
  const body = { sentAt: 1_234_567.891, ...order, shipTo: { city, postalCode } };
  return { id: idOf(`${part} ${index}`), key: `customer-${index % KEYS}`, body };
}

/** The message as it is sent at this moment. */
export function sentNow(message: QueueMessage, atMs: number): QueueMessage {
  return { ...message, body: { ...message.body, sentAt: Math.round(atMs * 1_000) / 1_000 } };
}

/** A UUID, of version 8 (RFC 9562). */
function idOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
