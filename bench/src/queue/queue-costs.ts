import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { compareSides } from "../compare-sides.ts";
import type { Figures } from "../measure.ts";
import type { Servers } from "../servers.ts";
import type { OpenQueue, QueueContender } from "./queue-contender.ts";
import { contendersIn } from "./queue-contenders.ts";
import { queueMessages } from "./queue-messages.ts";

/** How many calls of so many messages each. What opening a queue takes is in the figures, and little beside so many. */
const SCENARIOS = [
  { batch: 1, calls: 500 },
  { batch: 10, calls: 200 },
  { batch: 100, calls: 100 },
] as const;

/** How long consuming may take, in milliseconds. */
const MAX_READ_MS = 30_000;

const HEADINGS = {
  enqueueRequests: "requests/message enqueued",
  enqueueWriteUnits: "write units",
  enqueueReadUnits: "read units",
  handleRequests: "requests/message handled",
  handleWriteUnits: "write units",
  handleReadUnits: "read units",
};

/**
 * What a message costs when there is one call after the other, and when as many as were in a call are acknowledged at a time. The same in
 * every run but for leases, which go by the clock, so it runs once.
 */
export async function compareCosts(
  servers: Servers,
  options: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const metered = contendersIn("costs");
  const results: ScenarioResult[] = [];
  for (const { batch, calls } of SCENARIOS) {
    const sides = metered.map((contender) => ({
      ...contender,
      run: () => costsOf(contender, servers, { batch, calls }),
    }));
    const name = `costs, ${batch} a call and an acknowledgement`;
    const comparison = { name, headings: HEADINGS, sides, details: { batch, messages: batch * calls } };
    results.push(await compareSides(comparison, { ...options, rounds: 1 }));
  }
  return results;
}

interface Amount {
  readonly batch: number;
  readonly calls: number;
}

async function costsOf(contender: QueueContender, servers: Servers, amount: Amount): Promise<Figures> {
  await using setUp = await contender.setUp(servers, ["one"]);
  await using producer = await contender.open(setUp.place, { metered: true });
  await using consumer = await contender.open(setUp.place, { metered: true });
  const { batch, calls } = amount;
  const messages = queueMessages(batch * calls);
  for (let call = 0; call < calls; call++)
    await producer.enqueue(messages.slice(call * batch, (call + 1) * batch));
  const handled = await consumeAll(consumer, { batch, messages: messages.length });
  const enqueueing = producer.consumed();
  const handling = consumer.consumed();
  const each = (total: number | undefined, of: number): number => (total ?? Number.NaN) / of;
  return {
    enqueueRequests: each(enqueueing?.requests, messages.length),
    enqueueWriteUnits: each(enqueueing?.writeUnits, messages.length),
    enqueueReadUnits: each(enqueueing?.readUnits, messages.length),
    handleRequests: each(handling?.requests, handled),
    handleWriteUnits: each(handling?.writeUnits, handled),
    handleReadUnits: each(handling?.readUnits, handled),
  };
}

/** Returns how many were handled. */
async function consumeAll(
  queue: OpenQueue,
  { batch, messages }: { readonly batch: number; readonly messages: number },
): Promise<number> {
  const done = new AbortController();
  let handled = 0;
  await queue.consume({
    group: "one",
    members: 1,
    batch,
    signal: AbortSignal.any([done.signal, AbortSignal.timeout(MAX_READ_MS)]),
    onMessage() {
      handled++;
      if (handled === messages) done.abort();
    },
  });
  return handled;
}
