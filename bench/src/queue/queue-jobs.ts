/** What the processes of the queue's benchmark do. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, sharedClockMs } from "../jobs/job.ts";
import { measure, percentile } from "../measure.ts";
import { queueContender } from "./queue-contenders.ts";
import { queueMessages, sentNow } from "./queue-messages.ts";

export interface EnqueueInput {
  readonly contender: string;
  readonly place: string;
  /** Which of the processes this is: each has messages of its own. */
  readonly part: number;
  readonly messages: number;
  /** Messages a call. */
  readonly batch: number;
  /** Calls under way at a time. */
  readonly concurrency: number;
  readonly maxSeconds: number;
}

const WARM_UP_SECONDS = 0.5;

/** Enqueues as fast as it can. */
export const ENQUEUE_JOB: Job<EnqueueInput> = async (input, { ready }) => {
  const { messages, batch, concurrency, maxSeconds } = input;
  await using queue = await queueContender(input.contender).open(input.place);
  const all = queueMessages(messages, 2 * input.part);
  const others = queueMessages(messages, 2 * input.part + 1);
  const operations = Math.floor(messages / batch);
  const enqueue = (from: typeof all, index: number): Promise<void> =>
    queue.enqueue(from.slice(index * batch, (index + 1) * batch));
  await measure({ operations, concurrency, maxSeconds: WARM_UP_SECONDS }, (index) => enqueue(others, index));
  await ready();
  const measured = await measure({ operations, concurrency, maxSeconds }, (index) => enqueue(all, index));
  const { seconds, operationsPerSecond, p50Ms, p99Ms, cpuMsPerOperation } = measured;
  const enqueued = operationsPerSecond * seconds * batch;
  const cpuMs = cpuMsPerOperation * operationsPerSecond * seconds;
  return { figures: { enqueued, seconds, p50Ms, p99Ms, cpuMs } };
};

export interface ConsumeInput {
  readonly contender: string;
  readonly place: string;
  readonly group: string;
  readonly members: number;
}

/** How often a job says how far it is, in milliseconds. */
const REPORT_MS = 50;

/** Consumes until it is stopped; its samples are how long each message took from the call that sent it. */
export const CONSUME_JOB: Job<ConsumeInput> = async (input, { ready, report, signal }) => {
  const { group, members } = input;
  await using queue = await queueContender(input.contender).open(input.place);
  const delays: number[] = [];
  let lastAt = Number.NaN;
  await ready();
  const cpuBefore = process.cpuUsage();
  const consuming = queue.consume({
    group,
    members,
    signal,
    onMessage({ body }) {
      lastAt = sharedClockMs();
      delays.push(lastAt - body.sentAt);
    },
  });
  while (!signal.aborted) {
    await Promise.race([sleep(REPORT_MS), consuming]);
    await report({ consumed: delays.length });
  }
  await consuming;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuMs = (cpu.user + cpu.system) / 1_000;
  return { figures: { consumed: delays.length, lastAt, cpuMs }, samples: delays };
};

export interface ProduceInput {
  readonly contender: string;
  readonly place: string;
  /** Messages a second. */
  readonly rate: number;
  readonly messages: number;
}

/** Enqueues one message after the other at a steady rate, whether the one before is acknowledged or not. */
export const PRODUCE_JOB: Job<ProduceInput> = async ({ contender, place, rate, messages }, { ready }) => {
  await using queue = await queueContender(contender).open(place);
  const acknowledged: number[] = [];
  const send = async (message: (typeof all)[number]): Promise<void> => {
    const sentAt = sharedClockMs();
    await queue.enqueue([sentNow(message, sentAt)]);
    acknowledged.push(sharedClockMs() - sentAt);
  };
  const all = queueMessages(messages);
  await ready();
  const beganAt = sharedClockMs();
  const sent: Promise<void>[] = [];
  for (const [index, message] of all.entries()) {
    const dueInMs = beganAt + (index * 1_000) / rate - sharedClockMs();
    if (dueInMs > 0) await sleep(dueInMs);
    sent.push(send(message));
  }
  await Promise.all(sent);
  acknowledged.sort((one, other) => one - other);
  return { figures: { p50Ms: percentile(acknowledged, 50), p99Ms: percentile(acknowledged, 99) } };
};

export interface WriteInput {
  readonly contender: string;
  readonly place: string;
  readonly messages: number;
  /** What is acknowledged already. */
  readonly from: number;
  /** The process kills itself at that many replies of the store, in the middle of what it does. */
  readonly killAtReply: number;
}

/** Enqueues one message after the other, and dies on the way. */
export const WRITE_JOB: Job<WriteInput> = async (input, { ready, report }) => {
  const { messages, from, killAtReply } = input;
  let replies = Number.NEGATIVE_INFINITY;
  const onReply = (): void => {
    replies++;
    if (replies === killAtReply) process.kill(process.pid, "SIGKILL");
  };
  await using queue = await queueContender(input.contender).open(input.place, { onReply });
  const all = queueMessages(messages);
  await ready();
  replies = 0;
  for (let index = from; index < messages; index++) {
    await queue.enqueue(all.slice(index, index + 1));
    await report({ acknowledged: index + 1 });
  }
  return { figures: { acknowledged: messages } };
};
