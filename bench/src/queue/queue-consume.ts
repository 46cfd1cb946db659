import { setTimeout as sleep } from "node:timers/promises";
import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { compareSides, type MeasuredSide } from "../compare-sides.ts";
import { sharedClockMs } from "../jobs/job.ts";
import { startCrew } from "../jobs/job-crew.ts";
import { type Figures, measure } from "../measure.ts";
import type { Servers } from "../servers.ts";
import type { QueueContender } from "./queue-contender.ts";
import { contendersIn } from "./queue-contenders.ts";
import { queueMessages } from "./queue-messages.ts";

interface ConsumeScenario {
  readonly name: string;
  /** Each gets every message. */
  readonly groups: number;
  /** Processes that share the messages of a group. */
  readonly members: number;
}

const SCENARIOS: readonly ConsumeScenario[] = [
  { name: "consume, 1 group", groups: 1, members: 1 },
  { name: "consume, 3 groups, each everything", groups: 3, members: 1 },
  { name: "consume, 1 group shared by 3 processes", groups: 1, members: 3 },
];

/** Before: as many messages as go in within that time are there to consume. */
const FILL = { batch: 100, concurrency: 8, maxSeconds: 4 };

/** How long a round of a side may take, in seconds. */
const MAX_ROUND_SECONDS = 5;
const LOOK_MS = 20;

/** Messages that are metered, on a queue that is not timed. */
const METERED_MESSAGES = 2_000;

const HEADINGS = {
  messages: "messages",
  messagesPerSecond: "handled/s",
  cpuMs: "CPU ms/1,000 handled",
  requests: "requests/handled",
  readUnits: "read units/handled",
  writeUnits: "write units/handled",
};

/** How many messages a second come out of a queue, by groups that each get all and by one that is shared. */
export async function compareConsuming(
  servers: Servers,
  options: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const contenders: { readonly contender: QueueContender; readonly costs: Figures }[] = [];
  for (const contender of contendersIn("consume"))
    contenders.push({ contender, costs: await costsOf(contender, servers) });
  const results: ScenarioResult[] = [];
  for (const { name, ...details } of SCENARIOS) {
    const able = contenders.filter(
      ({ contender }) => details.members === 1 || contender.sharesGroups !== false,
    );
    const sides: MeasuredSide[] = able.map(({ contender, costs }) => ({
      ...contender,
      run: async () => ({
        ...(await consume(contender, servers, { ...details, messages: options.amount })),
        ...costs,
      }),
    }));
    results.push(await compareSides({ name, headings: HEADINGS, sides, details }, options));
  }
  return results;
}

/** Of one group that goes through all there is. */
async function costsOf(contender: QueueContender, servers: Servers): Promise<Figures> {
  await using setUp = await contender.setUp(servers, ["one"]);
  await using queue = await contender.open(setUp.place, { metered: true });
  if (queue.consumed() === undefined) return {};
  const messages = await fill(contender, setUp.place, METERED_MESSAGES);
  const enough = AbortSignal.timeout(MAX_ROUND_SECONDS * 1_000);
  const done = new AbortController();
  let handled = 0;
  await queue.consume({
    group: "one",
    members: 1,
    signal: AbortSignal.any([enough, done.signal]),
    onMessage() {
      handled++;
      if (handled === messages) done.abort();
    },
  });
  const { requests = Number.NaN, readUnits = Number.NaN, writeUnits = Number.NaN } = queue.consumed() ?? {};
  return { requests: requests / handled, readUnits: readUnits / handled, writeUnits: writeUnits / handled };
}

/** Returns how many messages went in. */
async function fill(contender: QueueContender, place: string, messages: number): Promise<number> {
  await using queue = await contender.open(place);
  const { batch, ...load } = FILL;
  const all = queueMessages(messages);
  let filled = 0;
  await measure({ operations: Math.ceil(messages / batch), ...load }, async (index) => {
    const sent = all.slice(index * batch, (index + 1) * batch);
    await queue.enqueue(sent);
    filled += sent.length;
  });
  return filled;
}

async function consume(
  contender: QueueContender,
  servers: Servers,
  { groups, members, messages }: Omit<ConsumeScenario, "name"> & { readonly messages: number },
): Promise<Figures> {
  const names = Array.from({ length: groups }, (_, group) => `group-${group}`);
  await using setUp = await contender.setUp(servers, names);
  const filled = await fill(contender, setUp.place, messages);
  const inputs = names.flatMap((group) =>
    Array.from({ length: members }, () => ({
      contender: contender.name,
      place: setUp.place,
      group,
      members,
    })),
  );
  await using crew = startCrew("consume", inputs);
  await crew.begin();
  const beganAt = sharedClockMs();
  const endsAt = beganAt + MAX_ROUND_SECONDS * 1_000;
  while (crew.reported("consumed") < filled * groups && sharedClockMs() < endsAt) await sleep(LOOK_MS);
  crew.stop();
  const parts = (await crew.results()).map(({ figures }) => figures);
  const sum = (name: string): number => parts.reduce((total, part) => total + (part[name] ?? Number.NaN), 0);
  const consumed = sum("consumed");
  // A member may have got nothing.
  const lastAt = Math.max(...parts.map((part) => part["lastAt"] ?? Number.NaN).filter(Number.isFinite));
  return {
    messages: filled,
    messagesPerSecond: (consumed / (lastAt - beganAt)) * 1_000,
    cpuMs: (sum("cpuMs") / consumed) * 1_000,
  };
}
