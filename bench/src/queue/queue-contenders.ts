import { COUNTER_QUEUE } from "./counter-queue.ts";
import { PG_BOSS_QUEUES } from "./pg-boss-queue.ts";
import type { QueueContender, QueuePart } from "./queue-contender.ts";

/** All that are measured beside each other: ours first, the ones that it is compared to after it. */
export const QUEUE_CONTENDERS: readonly QueueContender[] = [COUNTER_QUEUE, ...PG_BOSS_QUEUES];

export function queueContender(name: string): QueueContender {
  const found = QUEUE_CONTENDERS.find((contender) => contender.name === name);
  if (found === undefined) throw new RangeError(`No queue is called ${JSON.stringify(name)}.`);
  return found;
}

/** Those that are measured in a part of the benchmark. */
export function contendersIn(part: QueuePart): readonly QueueContender[] {
  return QUEUE_CONTENDERS.filter(({ partsMeasured }) => partsMeasured?.includes(part) ?? true);
}
