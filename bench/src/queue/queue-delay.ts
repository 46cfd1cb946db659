import { setTimeout as sleep } from "node:timers/promises";
import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { compareSides } from "../compare-sides.ts";
import { startCrew } from "../jobs/job-crew.ts";
import { type Figures, percentile } from "../measure.ts";
import type { Servers } from "../servers.ts";
import type { QueueContender } from "./queue-contender.ts";
import { contendersIn } from "./queue-contenders.ts";

/** Messages a second. */
const RATE = 100;
const MAX_SECONDS = 5;

/** How long the last messages have to arrive, in milliseconds. */
const LATEST_MS = 5_000;
const LOOK_MS = 20;

const HEADINGS = {
  enqueueP50Ms: "acknowledged p50 ms",
  enqueueP99Ms: "acknowledged p99 ms",
  p50Ms: "handled p50 ms",
  p99Ms: "handled p99 ms",
  maxMs: "handled max ms",
  missing: "missing",
};

/** How long a message takes from the call that enqueues it until its handler begins, in another process. */
export async function compareDelays(
  servers: Servers,
  options: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const messages = Math.min(options.amount, RATE * MAX_SECONDS);
  const sides = contendersIn("delay").map((contender) => ({
    ...contender,
    run: () => produceAndConsume(contender, servers, messages),
  }));
  const name = `enqueue to handler, ${RATE} messages/s`;
  return [await compareSides({ name, headings: HEADINGS, sides, details: { messages } }, options)];
}

async function produceAndConsume(
  contender: QueueContender,
  servers: Servers,
  messages: number,
): Promise<Figures> {
  await using setUp = await contender.setUp(servers, ["one"]);
  const side = { contender: contender.name, place: setUp.place };
  await using consumers = startCrew("consume", [{ ...side, group: "one", members: 1 }]);
  await using producers = startCrew("produce", [{ ...side, rate: RATE, messages }]);
  await consumers.begin();
  await producers.begin();
  const [produced] = await producers.results();
  const latest = performance.now() + LATEST_MS;
  while (consumers.reported("consumed") < messages && performance.now() < latest) await sleep(LOOK_MS);
  consumers.stop();
  const [consumed] = await consumers.results();
  const delays = (consumed?.samples ?? []).toSorted((one, other) => one - other);
  return {
    enqueueP50Ms: produced?.figures["p50Ms"] ?? Number.NaN,
    enqueueP99Ms: produced?.figures["p99Ms"] ?? Number.NaN,
    p50Ms: percentile(delays, 50),
    p99Ms: percentile(delays, 99),
    maxMs: delays.at(-1) ?? Number.NaN,
    missing: messages - delays.length,
  };
}
