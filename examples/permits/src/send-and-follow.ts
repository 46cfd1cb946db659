import type { Deadlines } from "./deadlines.ts";
import type { LogFeed } from "./feed-log.ts";
import { followLog, type FollowedLog } from "./follow-log.ts";
import { type Output, writeLine } from "./output.ts";
import { createProgressBar } from "./progress-bar.ts";
import { workDone } from "./read-models.ts";
import type { LoggedTask } from "./receipt-log.ts";
import { type ProjectionRun, rebuild } from "./run-projections.ts";
import type { LetterRun } from "./send-letters.ts";
import { type PermitStore, type SendOptions, sendTasks, unfinishedTasks } from "./send-tasks.ts";
import { StoredTasks } from "./stored-tasks.ts";
import { type WatchedDeadlines, watchDeadlines } from "./watch-deadlines.ts";

/** How long the log may take for what it does not have yet when all is appended, in milliseconds. */
const LOG_PATIENCE_MS = 120_000;

/** What goes on in the background. */
export interface Background {
  readonly log: LogFeed;
  readonly readModels: ProjectionRun;
  readonly letters: LetterRun;
  readonly deadlines: Deadlines;
}

export interface Sent {
  readonly startedAt: Date;
  readonly added: number;
  /** How long that took. */
  readonly seconds: number;
  readonly followed: FollowedLog;
  /** How long after the last append the log's reader had seen all, and after that the read models. */
  readonly secondsBehind: number;
  readonly secondsToReadModels: number;
  /** How long after that all letters were sent, and the deadlines at the end of the file. */
  readonly secondsToLetters: number;
  readonly secondsToDeadlines: number;
  readonly rebuilt: Rebuilt;
  readonly watched: WatchedDeadlines;
}

/** A rebuild beside the live read model. */
interface Rebuilt {
  readonly seconds: number;
  /** How many events were added meanwhile. */
  readonly addedMeanwhile: number;
}

interface SendingOptions {
  readonly output: Output;
  readonly tasks: readonly LoggedTask[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends what is not in the store yet, and follows the log meanwhile, until that has everything; for the last part of it, a read model is
 * built anew at the same time. Letters are sent and deadlines watched as the events come.
 */
export async function sendAndFollow(
  store: PermitStore,
  background: Background,
  options: SendingOptions,
): Promise<Sent> {
  const { tasks } = options;
  const { log, readModels, letters, deadlines } = background;
  const ended = new AbortController();
  const failedOrEnded = AbortSignal.any([ended.signal, log.failed]);
  const following = followLog(log.store, { events: tasks.length, signal: failedOrEnded });
  // It is awaited when all is sent; should it fail before, that must not count as unhandled.
  following.catch(() => undefined);
  let patience: NodeJS.Timeout | undefined;
  try {
    const startedAt = new Date();
    const lap = createLaps();
    const unfinished = await unfinishedTasks(store, tasks);
    const stored = new StoredTasks(unfinished);
    const watching = watchDeadlines(deadlines, stored.inOrder(tasks, failedOrEnded));
    watching.catch(() => undefined);
    const onStored = (task: LoggedTask): void => stored.add(task);
    const sent = await sendInTwoParts(store, unfinished, { ...options, readModels, onStored });
    const seconds = lap();
    patience = setTimeout(() => ended.abort(), LOG_PATIENCE_MS);
    const followed = await following;
    log.failed.throwIfAborted();
    const secondsBehind = lap();
    await readModels.reached(followed.position, failedOrEnded);
    const secondsToReadModels = lap();
    await letters.sent(failedOrEnded);
    const secondsToLetters = lap();
    const watched = await watching;
    const secondsToDeadlines = lap();
    return {
      ...sent,
      startedAt,
      seconds,
      followed,
      secondsBehind,
      secondsToReadModels,
      secondsToLetters,
      watched,
      secondsToDeadlines,
    };
  } finally {
    clearTimeout(patience);
    ended.abort();
  }
}

/** Measures one thing after the other: each call answers the seconds since the one before. */
function createLaps(): () => number {
  let before = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - before) / 1_000;
    before = now;
    return seconds;
  };
}

/** How much is sent before the read model of work done is built anew. */
const SHARE_BEFORE_REBUILD = 0.6;

type PartOptions = SendingOptions & Pick<SendOptions, "onStored"> & { readonly readModels: ProjectionRun };

async function sendInTwoParts(
  store: PermitStore,
  unfinished: readonly LoggedTask[],
  options: PartOptions,
): Promise<Pick<Sent, "added" | "rebuilt">> {
  const { output, tasks, signal, onStored } = options;
  const present = tasks.length - unfinished.length;
  const firstPart = Math.floor(unfinished.length * SHARE_BEFORE_REBUILD);
  const bar = createProgressBar(output, { what: "added", total: tasks.length, from: present });
  const added = await sendTasks(store, unfinished.slice(0, firstPart), {
    onDone: (done) => bar.update(present + done),
    onStored,
    signal,
  });
  bar.leave();
  const onDone = (done: number): void => bar.update(present + firstPart + done);
  const rest = await sendDuringRebuild(store, unfinished.slice(firstPart), { ...options, onDone });
  bar.leave();
  return { added: added + rest.added, rebuilt: rest.rebuilt };
}

/** Two bars can't be drawn at once: `onDone` is told how many are sent when the rebuild is done, and from then on. */
async function sendDuringRebuild(
  store: PermitStore,
  tasks: readonly LoggedTask[],
  {
    output,
    signal,
    readModels,
    onStored,
    onDone,
  }: Omit<PartOptions, "tasks"> & { readonly onDone: (done: number) => void },
): Promise<Pick<Sent, "added" | "rebuilt">> {
  const stopped = new AbortController();
  const either = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
  let sent = 0;
  let isRebuilt = false;
  const onSent = (done: number): void => {
    sent = done;
    if (isRebuilt) onDone(done);
  };
  const sending = sendTasks(store, tasks, { onDone: onSent, onStored, signal: either });
  sending.catch(() => undefined);
  try {
    writeLine(output, `building ${workDone.name} anew beside the live one, while events go on coming in`);
    const bar = createProgressBar(output, { what: "rebuilt", total: 1 });
    const seconds = await rebuild(readModels.projections, workDone.name, {
      onProgress: ({ done, total }) => bar.update(done, total),
      signal: either,
    });
    bar.leave();
    isRebuilt = true;
    const addedMeanwhile = sent;
    if (sent > 0) onDone(sent);
    return { added: await sending, rebuilt: { seconds, addedMeanwhile } };
  } finally {
    stopped.abort();
  }
}
