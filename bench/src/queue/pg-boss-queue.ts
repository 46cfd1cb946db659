import { setTimeout as sleep } from "node:timers/promises";
import { type OpenPgBoss, openPgBoss, setUpPgBoss } from "../postgres/pg-boss.ts";
import type { ConsumeOptions, OpenQueue, QueueContender } from "./queue-contender.ts";
import { POLL_MS } from "./poll.ts";
import type { MessageBody } from "./queue-messages.ts";

/** What a consumer takes at a time. */
const BATCH = 500;

/** The least that `work()` takes. */
const WORK_POLL_SECONDS = 0.5;

const FACTS = {
  order: "by time of insertion and then by random id: none within a batch, nor between callers",
  positions: "none: nothing to replay from, jobs go once they are done",
  groups: "a queue for each, and each message once in each of them",
};

interface Variant extends Pick<QueueContender, "name" | "label" | "partsMeasured"> {
  readonly synchronousCommit: "on" | "off";
  readonly consume: "fetch" | "work";
}

interface JobData {
  readonly key: string;
  readonly body: MessageBody;
}

/** pg-boss as one would use it for messages: `send` for one, `insert` for several, `fetch` and `complete` in batches. */
export const PG_BOSS_QUEUES: readonly QueueContender[] = [
  pgBossQueue({
    name: "pgBoss",
    label: "pg-boss",
    synchronousCommit: "on",
    consume: "fetch",
  }),
  pgBossQueue({
    name: "pgBossAsync",
    label: "pg-boss, synchronous_commit off",
    synchronousCommit: "off",
    consume: "fetch",
    partsMeasured: ["enqueue", "consume"],
  }),
  pgBossQueue({
    name: "pgBossWork",
    label: `pg-boss, work() every ${WORK_POLL_SECONDS} s`,
    synchronousCommit: "on",
    consume: "work",
    partsMeasured: ["consume", "delay"],
  }),
];

function pgBossQueue({ synchronousCommit, consume, ...names }: Variant): QueueContender {
  return {
    ...names,
    facts: { ...FACTS, durability: `PostgreSQL on a disk, synchronous_commit ${synchronousCommit}` },
    setUp: ({ postgres }, groups) => setUpPgBoss(postgres, groups),
    async open(place, { onReply } = {}): Promise<OpenQueue> {
      const open = await openPgBoss(place, { onReply, synchronousCommit });
      const { boss, schema, queues } = open;
      const consumers = { fetch: consumeByFetching, work: consumeByWorking };
      return {
        async enqueue(messages) {
          const [only] = messages;
          if (only !== undefined && messages.length === 1) {
            const { id, key, body } = only;
            await Promise.all(queues.map((queue) => boss.send(queue, { key, body }, { id })));
          } else {
            const jobsOf = (name: string): { id: string; name: string; data: JobData }[] =>
              messages.map(({ id, key, body }) => ({ id, name, data: { key, body } }));
            await boss.insert(queues.flatMap(jobsOf));
          }
        },
        consume: (options) => consumers[consume](boss, options),
        consumed: () => undefined,
        async stored() {
          const { rows } = await boss.getDb().executeSql(`SELECT id FROM ${schema}.job`, []);
          return rows as { id: string }[];
        },
        [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
      };
    },
  };
}

type Boss = OpenPgBoss["boss"];

async function consumeByFetching(boss: Boss, { group, signal, onMessage }: ConsumeOptions): Promise<void> {
  while (!signal.aborted) {
    const jobs = await boss.fetch<JobData>(group, { batchSize: BATCH });
    for (const { id, data } of jobs) onMessage({ id, ...data });
    const ids = jobs.map(({ id }) => id);
    if (ids.length > 0) await boss.complete(group, ids);
    else await sleep(POLL_MS);
  }
}

async function consumeByWorking(boss: Boss, { group, signal, onMessage }: ConsumeOptions): Promise<void> {
  const options = { batchSize: BATCH, pollingIntervalSeconds: WORK_POLL_SECONDS };
  await boss.work<JobData>(group, options, async (jobs) => {
    for (const { id, data } of jobs) onMessage({ id, ...data });
  });
  while (!signal.aborted) await sleep(POLL_MS);
  await boss.offWork(group);
}
