import { orderEvents } from "@tuppence/bench/order-events";
import { appendFirst, type Probe, refusalOf } from "../probe.ts";

/** Whether an event can be written beyond the end of its stream, where every reader would miss what is between. */
export const gap: Probe = {
  name: "gap",
  question: "Gap accepted? (event 501 of a stream of 3)",
  async ask({ store, stored }) {
    const seen: string[] = [];
    let safe = true;
    for (const [index, { how, append }] of store.appendsBeyond.entries()) {
      const stream = `gap-${index}`;
      await appendFirst(store, stream);
      const [event] = orderEvents(1, 3);
      const refusal = event && (await refusalOf(append(stream, event)));
      const numbers = (await stored(stream)).map(({ number }) => number);
      const gapless = numbers.every((number, at) => number === at + 1);
      safe &&= gapless;
      const outcome = refusal === undefined ? "put where it belongs" : `refused (\`${refusal}\`)`;
      seen.push(gapless ? `no, ${how}: ${outcome}` : `yes, ${how}: ${numbers.join(", ")} stored`);
    }
    return { safe, seen: seen.join("; ") };
  },
};
