import { orderEvents } from "@tuppence/bench/order-events";
import { endAfterWrites } from "../faults.ts";
import { appendFirst, inWrites, type Probe, refusalOf, type Subject, type Verdict } from "../probe.ts";

const EVENTS = 150;

/** Whether more events than a transaction of DynamoDB has places for can be appended at once. */
export const manyEvents: Probe = {
  name: "manyEvents",
  question: `${EVENTS} events in one append?`,
  async ask(subject) {
    const { peer, store } = subject;
    if (peer.noBatches !== undefined) return { safe: undefined, seen: peer.noBatches };
    const known = await appendMany(subject, "known", await appendFirst(store, "known"));
    const fresh = await appendMany(subject, "new", 0);
    if (known.seen === fresh.seen) return known;
    return {
      safe: known.safe === true && fresh.safe === true,
      seen: `${known.seen}; to a new stream ${fresh.seen}`,
    };
  },
};

async function appendMany(
  { client, store, stored }: Subject,
  stream: string,
  version: number,
): Promise<Verdict> {
  using counted = endAfterWrites(client);
  const refusal = await refusalOf(store.append(stream, orderEvents(EVENTS), version));
  const found = (await stored(stream)).length - version;
  if (refusal === undefined) return { safe: found === EVENTS, seen: `yes, ${inWrites(counted.writes)}` };
  return { safe: found === 0, seen: `no: refused (\`${refusal}\`), ${found} stored` };
}
