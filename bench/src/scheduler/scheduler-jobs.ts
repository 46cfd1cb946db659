/** What the processes of the scheduler's benchmark do. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../jobs/job.ts";
import { measure } from "../measure.ts";
import { schedulerContender } from "./scheduler-contenders.ts";

export interface CreateInput {
  readonly contender: string;
  readonly place: string;
  readonly schedules: number;
  /** The first is due that many milliseconds after the creating began. */
  readonly leadMs: number;
  /** From the first due time to the last; 0: all are due at the same instant. */
  readonly spreadMs: number;
  /** Calls under way at a time. */
  readonly concurrency: number;
}

/** Creates schedules in the order of their due times; the figures say when the first and the last are due. */
export const CREATE_JOB: Job<CreateInput> = async (input, { ready }) => {
  const { schedules, leadMs, spreadMs, concurrency } = input;
  await using scheduler = await schedulerContender(input.contender).open(input.place);
  await ready();
  const firstDueMs = Date.now() + leadMs;
  let createdLate = 0;
  const measured = await measure({ operations: schedules, concurrency }, async (index) => {
    const dueMs = firstDueMs + Math.floor((index * spreadMs) / schedules);
    await scheduler.create({ index, dueMs });
    if (Date.now() > dueMs) createdLate++;
  });
  const createsPerSecond = measured.operationsPerSecond;
  return { figures: { createsPerSecond, createdLate, firstDueMs, lastDueMs: firstDueMs + spreadMs } };
};

export interface FireInput {
  readonly contender: string;
  readonly place: string;
  readonly workers: number;
}

/** How often a job says how far it is, in milliseconds. */
const REPORT_MS = 50;

/** Fires what is due until it is stopped; its samples are, in turn, the number of a schedule and how late it was in milliseconds. */
export const FIRE_JOB: Job<FireInput> = async (input, { ready, report, signal }) => {
  await using scheduler = await schedulerContender(input.contender).open(input.place);
  const fired: number[] = [];
  await ready();
  const working = scheduler.work({
    workers: input.workers,
    signal,
    onFire: ({ index, dueMs }) => void fired.push(index, Date.now() - dueMs),
  });
  while (!signal.aborted) {
    await Promise.race([sleep(REPORT_MS), working]);
    await report({ fired: fired.length / 2 });
  }
  await working;
  return { figures: {}, samples: fired };
};
