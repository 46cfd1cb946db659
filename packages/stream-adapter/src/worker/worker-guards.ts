import { type ReadingPlan, planReading, type ShardRef, type StreamView } from "./lineage.ts";
import { compareSequenceNumbers } from "./sequence-number.ts";

/** What keeps records in order and from being lost. Tests switch each off to see that it is needed. */
export interface WorkerGuards {
  readonly plan: (streams: readonly StreamView[], isFinished: (shard: ShardRef) => boolean) => ReadingPlan;
  readonly compare: (one: string, other: string) => number;
  /** Whether the position moves when the handler is done, and not before. */
  readonly commitsWhenDone: boolean;
}

export const WORKER_GUARDS: WorkerGuards = {
  plan: planReading,
  compare: compareSequenceNumbers,
  commitsWhenDone: true,
};
