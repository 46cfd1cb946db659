import pMap from "p-map";
import type { SchedulerEvent } from "../scheduler-event.ts";
import { readShards } from "../shards.ts";
import { DEFAULT_CONCURRENCY, type DrainContext } from "./drain-minute.ts";
import { ring } from "./ring.ts";

export interface FireDueOptions {
  /** Occurrences that are fired at a time in each shard. Default 64. */
  readonly concurrency?: number | undefined;
  /** Aborted when no attempt may go on: what is under way then is left to others. */
  readonly signal?: AbortSignal | undefined;
}

/** Shards at a time. */
const CONCURRENT_SHARDS = 4;

/** Fires what is due by the own clock, as if the doorbells of all shards had rung. Answers how many occurrences a target has taken. */
export async function fireDue(
  context: Omit<DrainContext, "presentMs" | "concurrency">,
  { concurrency = DEFAULT_CONCURRENCY, signal }: FireDueOptions,
): Promise<number> {
  let fired = 0;
  const drainShard = async (shard: number): Promise<void> => {
    let isMore: boolean;
    do {
      isMore = false;
      const emit = (event: SchedulerEvent): void => {
        if (event.type === "fired") fired++;
        // What follows in its series may be due by now, in a minute that was drained before.
        if (event.type === "fired" || event.type === "skipped") isMore = true;
        context.emit(event);
      };
      // Nothing has proven any time: the own clock alone counts.
      await ring({ ...context, emit, concurrency, signal }, shard, 0);
    } while (isMore);
  };
  // Others may have raised it.
  const shards = await readShards(context);
  const all = Array.from({ length: shards }, (_, shard) => shard);
  await pMap(all, drainShard, { concurrency: CONCURRENT_SHARDS });
  return fired;
}
