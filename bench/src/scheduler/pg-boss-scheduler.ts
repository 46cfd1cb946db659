import { setTimeout as sleep } from "node:timers/promises";
import { type OpenPgBoss, openPgBoss, setUpPgBoss } from "../postgres/pg-boss.ts";
import type { BenchSchedule, SchedulerContender, WorkOptions } from "./scheduler-contender.ts";

const QUEUE = "schedules";

/** What a worker takes at a time. */
const BATCH = 500;

/** How long a worker pauses that has found nothing due, in milliseconds. */
const POLL_MS = 20;

/** The least that `work()` takes. */
const WORK_POLL_SECONDS = 0.5;

const FACTS = {
  durability: "PostgreSQL on a disk, synchronous_commit on",
  idle: "a worker asks PostgreSQL all the time; nothing fires without one",
};

/** pg-boss's delayed jobs: `startAfter`, and workers that ask for what is due. */
export const PG_BOSS_SCHEDULERS: readonly SchedulerContender[] = [
  pgBossScheduler("pgBoss", `pg-boss, fetch() every ${POLL_MS} ms`, workByFetching),
  {
    ...pgBossScheduler("pgBossWork", `pg-boss, work() every ${WORK_POLL_SECONDS} s`, workByWorking),
    // It is late by its clock, however many there are.
    maxWorkers: 1,
  },
];

type Boss = OpenPgBoss["boss"];

function pgBossScheduler(
  name: string,
  label: string,
  work: (boss: Boss, options: WorkOptions) => Promise<void>,
): SchedulerContender {
  return {
    name,
    label,
    facts: FACTS,
    setUp: ({ postgres }) => setUpPgBoss(postgres, [QUEUE]),
    async open(place) {
      const open = await openPgBoss(place);
      const { boss } = open;
      return {
        async create(schedule) {
          await boss.send(QUEUE, schedule, { startAfter: new Date(schedule.dueMs) });
        },
        work: (options) => work(boss, options),
        [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
      };
    },
  };
}

async function workByFetching(boss: Boss, { signal, onFire }: WorkOptions): Promise<void> {
  while (!signal.aborted) {
    const jobs = await boss.fetch<BenchSchedule>(QUEUE, { batchSize: BATCH });
    for (const { data } of jobs) onFire(data);
    const ids = jobs.map(({ id }) => id);
    if (ids.length > 0) await boss.complete(QUEUE, ids);
    else await sleep(POLL_MS);
  }
}

async function workByWorking(boss: Boss, { signal, onFire }: WorkOptions): Promise<void> {
  const options = { batchSize: BATCH, pollingIntervalSeconds: WORK_POLL_SECONDS };
  await boss.work<BenchSchedule>(QUEUE, options, async (jobs) => {
    for (const { data } of jobs) onFire(data);
  });
  while (!signal.aborted) await sleep(POLL_MS);
  await boss.offWork(QUEUE);
}
