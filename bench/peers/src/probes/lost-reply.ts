import { orderEvents } from "@tuppence/bench/order-events";
import { loseNextReply } from "../faults.ts";
import { appendFirst, FIRST_EVENTS, type Probe, refusalOf, type Subject } from "../probe.ts";

/** Whether a write that was carried out is recognised, or taken for somebody else's, when its reply is lost. */
export const lostAppend: Probe = {
  name: "lostAppend",
  question: "Reply of an append lost: a conflict?",
  async ask(subject) {
    const version = await appendFirst(subject.store, "lost");
    const [event] = orderEvents(1, 3);
    const { refusal, copies } = await withLostReply(subject, () =>
      subject.store.append("lost", event ? [event] : [], version),
    );
    if (refusal !== undefined) return { safe: false, seen: `yes: \`${refusal}\`, and the event is stored` };
    if (copies === 1) return { safe: true, seen: "no: recognised as its own" };
    return { safe: false, seen: `yes, within: decided again, ${copies} stored` };
  },
};

/** Whether what a peer does after conflicts stores an event twice when a reply is lost. */
export const lostCommand: Probe = {
  name: "lostCommand",
  question: "Reply lost in a command: event stored twice?",
  async ask(subject) {
    await appendFirst(subject.store, "lost");
    const write = subject.store.openWriter();
    const [event] = orderEvents(1, 3);
    const { refusal, copies } = await withLostReply(subject, async () => event && write("lost", event));
    const outcome = refusal === undefined ? `${copies} stored` : `\`${refusal}\`, ${copies} stored`;
    return {
      safe: refusal === undefined && copies === 1,
      seen: copies > 1 ? `yes: ${outcome}` : `no: ${outcome}`,
    };
  },
};

async function withLostReply(
  { client, stored }: Subject,
  append: () => Promise<unknown>,
): Promise<{ readonly refusal: string | undefined; readonly copies: number }> {
  const seen = loseNextReply(client);
  const refusal = await refusalOf(append());
  if (seen.lost !== 1) throw new Error("No reply was lost.");
  const copies = (await stored("lost")).length - FIRST_EVENTS.length;
  if (copies < 1) throw new Error("The write whose reply was lost was not carried out.");
  return { refusal, copies };
}
