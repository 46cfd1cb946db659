import { PG_BOSS_SCHEDULERS } from "./pg-boss-scheduler.ts";
import type { SchedulerContender } from "./scheduler-contender.ts";

/** All that are measured beside each other: ours first, the ones that it is compared to after it. */
export const SCHEDULER_CONTENDERS: readonly SchedulerContender[] = [...PG_BOSS_SCHEDULERS];

export function schedulerContender(name: string): SchedulerContender {
  const found = SCHEDULER_CONTENDERS.find((contender) => contender.name === name);
  if (found === undefined) throw new RangeError(`No scheduler is called ${JSON.stringify(name)}.`);
  return found;
}
