import { createHash } from "node:crypto";
import { type OrderEvent, orderEvents } from "@tuppence/bench/order-events";
import { endAfterWrites } from "../faults.ts";
import {
  appendFirst,
  FIRST_EVENTS,
  inWrites,
  type Probe,
  refusalOf,
  type Subject,
  type Verdict,
} from "../probe.ts";

/** Above the 400 KB of an item, compressed too. */
const KILOBYTES = 600;
const BATCH = 40;

/** What becomes of an event that fits into no item. */
export const largeEvent: Probe = {
  name: "largeEvent",
  question: `1 event of ${KILOBYTES} KB, incompressible?`,
  ask: (subject) => appendLarge(subject, largeEvents(1)),
};

/** What becomes of an append that fits into no item, though each of its events does. */
export const largeBatch: Probe = {
  name: "largeBatch",
  question: `${BATCH} events of ${KILOBYTES} KB together?`,
  ask: async (subject) =>
    subject.peer.noBatches === undefined
      ? appendLarge(subject, largeEvents(BATCH))
      : { safe: undefined, seen: subject.peer.noBatches },
};

async function appendLarge(
  { client, store, stored }: Subject,
  events: readonly OrderEvent[],
): Promise<Verdict> {
  const version = await appendFirst(store, "large");
  using counted = endAfterWrites(client);
  const refusal = await refusalOf(store.append("large", events, version));
  const first = new Set(FIRST_EVENTS.map(({ data }) => data.orderId));
  const found = (await stored("large")).filter(({ orderId }) => !first.has(orderId));
  if (refusal !== undefined) {
    const when = counted.writes === 0 ? "before it is sent" : "by DynamoDB";
    return { safe: found.length === 0, seen: `no: refused ${when} (\`${refusal}\`), ${found.length} stored` };
  }
  const ids = new Set(found.map(({ orderId }) => orderId));
  const whole = found.length === events.length && events.every(({ data }) => ids.has(data.orderId));
  const numbered = found.every(({ number }, index) => number === version + 1 + index);
  const flaw = numbered ? "" : ", but read without its number";
  return { safe: whole && numbered, seen: `yes, ${inWrites(counted.writes)}${flaw}` };
}

function largeEvents(count: number): OrderEvent[] {
  const bytes = (KILOBYTES * 1_024) / count;
  return orderEvents(count).map((event, index) => {
    const customer = { ...event.data.customer, name: noise(bytes, index) };
    return { ...event, data: { ...event.data, customer } };
  });
}

/** Text that compresses to three quarters at best, the same each time. */
function noise(length: number, seed: number): string {
  let text = "";
  for (let block = 0; text.length < length; block++) {
    text += createHash("sha512").update(`${seed}.${block}`).digest("base64url");
  }
  return text.slice(0, length);
}
