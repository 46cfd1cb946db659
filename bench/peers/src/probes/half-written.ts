import { orderEvents } from "@tuppence/bench/order-events";
import { endAfterWrites } from "../faults.ts";
import type { PeerStore } from "../peer.ts";
import { appendFirst, FIRST_EVENTS, type Probe, refusalOf } from "../probe.ts";

/** The most that a peer takes of these is appended at once. */
const SIZES = [150, 100, 40] as const;

/** Whether an append can be there in part when its process ends in the middle of it. */
export const halfWritten: Probe = {
  name: "halfWritten",
  question: "Half-written batch? (the process ends after its first write)",
  async ask({ peer, client, store, stored }) {
    if (peer.noBatches !== undefined) return { safe: undefined, seen: peer.noBatches };
    const size = await largestBatch(store);
    const version = await appendFirst(store, "half");
    endAfterWrites(client, 1);
    const refusal = await refusalOf(store.append("half", orderEvents(size), version));
    const found = (await stored("half")).length - FIRST_EVENTS.length;
    const safe = found === 0 || found === size;
    if (refusal === undefined && safe) return { safe, seen: `no: ${size} events in one write` };
    return { safe, seen: `${safe ? "no" : "yes"}: ${found} of ${size} events stored` };
  },
};

async function largestBatch(store: PeerStore): Promise<number> {
  for (const size of SIZES) {
    const stream = `size-${size}`;
    const version = await appendFirst(store, stream);
    if ((await refusalOf(store.append(stream, orderEvents(size), version))) === undefined) return size;
  }
  throw new Error(`Not even ${SIZES.at(-1)} events can be appended.`);
}
