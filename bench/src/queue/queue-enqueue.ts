import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { compareSides, type MeasuredSide } from "../compare-sides.ts";
import { startCrew } from "../jobs/job-crew.ts";
import { type Figures, measure } from "../measure.ts";
import type { Servers } from "../servers.ts";
import type { QueueContender } from "./queue-contender.ts";
import { contendersIn } from "./queue-contenders.ts";
import { queueMessages } from "./queue-messages.ts";

interface EnqueueScenario {
  readonly name: string;
  readonly processes: number;
  /** Messages a call. */
  readonly batch: number;
}

/** Calls that each process has under way at a time. */
const CONCURRENCY = 64;

const SCENARIOS: readonly EnqueueScenario[] = [
  { name: "enqueue 1 a call", processes: 1, batch: 1 },
  { name: "enqueue 10 a call", processes: 1, batch: 10 },
  { name: "enqueue 100 a call", processes: 1, batch: 100 },
  { name: "enqueue 1 a call, 4 processes", processes: 4, batch: 1 },
];

/** How long a round of a side may take, in seconds. */
const MAX_ROUND_SECONDS = 2;

/** Calls that are metered, on a queue that is not timed. */
const METERED_CALLS = 2 * CONCURRENCY;

const HEADINGS = {
  messagesPerSecond: "messages/s",
  p50Ms: "call p50 ms",
  p99Ms: "call p99 ms",
  cpuMs: "CPU ms/1,000 messages",
  requests: "requests/message",
  writeUnits: "write units/message",
  readUnits: "read units/message",
};

/** How many messages a second go into a queue, and what they cost. */
export async function compareEnqueueing(
  servers: Servers,
  options: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of SCENARIOS) {
    const sides: MeasuredSide[] = [];
    for (const contender of contendersIn("enqueue")) {
      const run = await prepare(contender, servers, { ...scenario, messages: options.amount });
      sides.push({ ...contender, run });
    }
    const { name, ...details } = { ...scenario, concurrency: CONCURRENCY };
    results.push(await compareSides({ name, headings: HEADINGS, sides, details }, options));
  }
  return results;
}

/** Meters a contender; each of its rounds has a new queue. */
async function prepare(
  contender: QueueContender,
  servers: Servers,
  scenario: EnqueueScenario & { readonly messages: number },
): Promise<() => Promise<Figures>> {
  const costs = await costsOf(contender, servers, scenario.batch);
  return async () => ({ ...(await enqueue(contender, servers, scenario)), ...costs });
}

async function costsOf(contender: QueueContender, servers: Servers, batch: number): Promise<Figures> {
  await using setUp = await contender.setUp(servers, ["one"]);
  await using queue = await contender.open(setUp.place, { metered: true });
  if (queue.consumed() === undefined) return {};
  const messages = queueMessages(METERED_CALLS * batch);
  await measure({ operations: METERED_CALLS, concurrency: CONCURRENCY }, (index) =>
    queue.enqueue(messages.slice(index * batch, (index + 1) * batch)),
  );
  const { requests = Number.NaN, writeUnits = Number.NaN, readUnits = Number.NaN } = queue.consumed() ?? {};
  return {
    requests: requests / messages.length,
    writeUnits: writeUnits / messages.length,
    readUnits: readUnits / messages.length,
  };
}

async function enqueue(
  contender: QueueContender,
  servers: Servers,
  { processes, batch, messages }: EnqueueScenario & { readonly messages: number },
): Promise<Figures> {
  await using setUp = await contender.setUp(servers, ["one"]);
  const inputs = Array.from({ length: processes }, (_, part) => ({
    contender: contender.name,
    place: setUp.place,
    part,
    messages: Math.max(batch, Math.ceil(messages / processes)),
    batch,
    concurrency: CONCURRENCY,
    maxSeconds: MAX_ROUND_SECONDS,
  }));
  await using crew = startCrew("enqueue", inputs);
  await crew.begin();
  const parts = (await crew.results()).map(({ figures }) => figures);
  const sum = (name: string): number => parts.reduce((total, part) => total + (part[name] ?? Number.NaN), 0);
  const worst = (name: string): number => Math.max(...parts.map((part) => part[name] ?? Number.NaN));
  const enqueued = sum("enqueued");
  return {
    messagesPerSecond: enqueued / worst("seconds"),
    p50Ms: worst("p50Ms"),
    p99Ms: worst("p99Ms"),
    cpuMs: (sum("cpuMs") / enqueued) * 1_000,
  };
}
