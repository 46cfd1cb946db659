import { setMaxListeners } from "node:events";
import { commitIdFrom, createCommandHandler, type EventStore } from "@tuppence/core";
import pMap from "p-map";
import { permit } from "./permit.ts";
import type { permitEvents } from "./permit-events.ts";
import { CATEGORY, type LoggedTask } from "./receipt-log.ts";

export type PermitStore = EventStore<typeof permitEvents>;

/** How many requests are on their way at once. */
export const CONCURRENCY = 32;

export interface SendOptions {
  /** Is called after each task, with how many are done. */
  readonly onDone?: ((done: number) => void) | undefined;
  /** Is called with each task once it is stored. */
  readonly onStored?: ((task: LoggedTask) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends the tasks to the command handler in the given order: many cases at once, the tasks of one case one after
 * the other. A task that was sent before is recognised by its commit id, and adds nothing.
 *
 * @returns how many events were added
 */
export async function sendTasks(
  store: PermitStore,
  tasks: readonly LoggedTask[],
  { onDone, onStored, signal }: SendOptions = {},
): Promise<number> {
  // All requests under way listen to the one signal.
  if (signal !== undefined) setMaxListeners(0, signal);
  const handle = createCommandHandler({ store, decider: permit });
  const previousOf = new Map<string, Promise<void>>();
  let done = 0;
  let added = 0;

  async function send(task: LoggedTask, previous: Promise<void> | undefined): Promise<void> {
    const { streamId, command, department } = task;
    await previous;
    const { duplicate } = await handle(streamId, command, {
      commitId: commitIdFrom(command.data.taskId),
      metadata: { department },
      signal,
    });
    if (!duplicate) added += 1;
    done += 1;
    onDone?.(done);
    onStored?.(task);
  }

  await pMap(
    tasks,
    (task) => {
      const sent = send(task, previousOf.get(task.streamId));
      previousOf.set(task.streamId, sent);
      return sent;
    },
    { concurrency: CONCURRENCY, signal },
  );
  return added;
}

/**
 * Leaves out the cases that an earlier run has stored completely. Cost: 1 request for all streams' names and 1 for
 * each stream; on an empty table 1 in all.
 */
export async function unfinishedTasks(
  store: PermitStore,
  tasks: readonly LoggedTask[],
): Promise<readonly LoggedTask[]> {
  const taskCounts = new Map<string, number>();
  for (const { streamId } of tasks) taskCounts.set(streamId, (taskCounts.get(streamId) ?? 0) + 1);
  const finished = new Set<string>();
  await pMap(
    store.listStreams(CATEGORY),
    async (streamId) => {
      const { version } = await store.load(streamId, permit);
      if (version === taskCounts.get(streamId)) finished.add(streamId);
    },
    { concurrency: CONCURRENCY },
  );
  return tasks.filter(({ streamId }) => !finished.has(streamId));
}
