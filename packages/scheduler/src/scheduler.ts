import { type Cancellation, cancel } from "./admin/cancel.ts";
import { findSchedule, namedScheduleOf, scheduleOf } from "./admin/find-schedule.ts";
import { historyOf, type ListOptions, listSchedules, pausedSeries } from "./admin/list-schedules.ts";
import { parkedEntries, replay, replayOne } from "./admin/parked.ts";
import { pauseSchedule, resumeSchedule } from "./admin/pause.ts";
import { type Recovery, recover } from "./admin/recover.ts";
import { fireNow, reschedule } from "./admin/reschedule.ts";
import { schedule } from "./admin/schedule.ts";
import type { SchedulerContext } from "./context.ts";
import {
  createContext,
  type FiringOptions,
  type SchedulerMeans,
  type SchedulerPlace,
} from "./create-context.ts";
import { fireDue, type FireDueOptions } from "./drain/fire-due.ts";
import { ScheduleStateError } from "./errors.ts";
import type { When } from "./recurrence/schedule-spec.ts";
import type { ScheduleRequest } from "./request.ts";
import type { Schedule } from "./schedule.ts";
import { checkShards, settleShards } from "./shards.ts";
import type { Targets } from "./targets/target.ts";

export type SchedulerOptions<Registry extends Targets = Targets> = SchedulerPlace &
  Omit<FiringOptions, "targets"> & {
    /** What can be scheduled, by name. To look after schedules, none is needed. Default: none. */
    readonly targets?: Registry | undefined;
    /**
     * Into how many parts the table is divided, each of which fires up to some 300 occurrences a second. More can be had later, fewer never; workers see it
     * within a minute. Default: what the table has, 4 if it is new.
     */
    readonly shards?: number | undefined;
  };

/** Which schedules: one, by id or name; those of a group; or all. */
export type Which = string | { readonly group: string } | { readonly all: true };

/** Schedules things, and looks after what is scheduled. What fires them are workers and doorbells. */
export interface Scheduler<Registry extends Targets = Targets> {
  /**
   * Schedules something; once it resolves, that is not lost any more. With a `name` it is scheduled once, however often it is asked for with the
   * same words. What is due in the past fires at once.
   *
   * Cost: 1 WCU for each KB; 2 WCU the first time that this process sees the minute, and 2 RCU if that is within ten minutes. With a name, or again
   * and again: 1 RCU and 4 WCU for each KB.
   *
   * @throws ScheduleNameTakenError, InvalidScheduleError, InvalidPayloadError, PayloadTooLargeError; ScheduleBusyError when it may or may not be
   *   scheduled; TypeError, RangeError for what can't be.
   */
  schedule<Name extends keyof Registry & string>(request: ScheduleRequest<Registry, Name>): Promise<Schedule>;
  /** Cancels a schedule. The answer is final: what is `cancelled` never fires. @throws ScheduleBusyError */
  cancel(idOrName: string): Promise<Cancellation>;
  /**
   * Gives a schedule another time; one that is paused goes on with it. Its id is another then, to which the one before leads.
   *
   * @throws ScheduleMissingError, ScheduleStateError when it is over or under way, InvalidScheduleError, ScheduleBusyError
   */
  reschedule(idOrName: string, when: When): Promise<Schedule>;
  /**
   * Keeps schedules from firing until they are resumed; runs that are under way go on. Of a group or of all those that there are now. Answers how many there
   * were.
   *
   * @throws ScheduleMissingError, ScheduleStateError for one that is not there, or over; ScheduleBusyError
   */
  pause(which: Which): Promise<number>;
  /** The contrary: a series goes on with its first occurrence from now on, what was for once and is late fires at once. @throws as `pause` */
  resume(which: Which): Promise<number>;
  /** A schedule by its id or name; undefined: there is none, or nothing left of it. Cost: 1 to 2 RCU. */
  get(idOrName: string): Promise<Schedule | undefined>;
  /**
   * Schedules by time, or by name; strongly consistent, and read as they are wanted.
   *
   * Cost: 1 RCU for each minute with schedules in each shard and for each 4 KB of them; by name 1 RCU for each 4 KB of names and 2 for each.
   */
  list(options?: ListOptions): AsyncIterable<Schedule>;
  /** What a schedule has done, from its latest occurrence back, for as long as that is kept. Cost: 1 RCU each. */
  history(idOrName: string): AsyncIterable<Schedule>;
  /**
   * Finds what an outage has left behind since a time: looks through all minutes from then to ten minutes from now, and has what is still to be fired
   * looked after.
   *
   * Cost: 1 RCU for each minute in each shard: 5,800 for a day in 4 shards.
   */
  recover(options: { readonly since: Date }): Promise<Recovery>;
  /** What failed for good, and waits to be replayed. Cost: 1 RCU for each. */
  parked(): AsyncIterable<Schedule>;
  /** Fires what was parked again: one, by id; default: all. Answers how many there were. @throws ScheduleMissingError, ScheduleStateError */
  replay(id?: string): Promise<number>;
  /**
   * Fires now what would fire later; of a series an occurrence more, beside the others.
   *
   * @throws ScheduleMissingError, ScheduleStateError, ScheduleBusyError
   */
  fireNow(idOrName: string): Promise<Schedule>;
  /**
   * Fires what is due by this scheduler's clock, in this process and until nothing is, without a worker or a doorbell: for tests and demonstrations, which
   * set the clock (`runtime`), and for those who have a timer of their own. It may be called beside workers, and by many at once: a claim decides who fires.
   * Needs the targets of what is due. Answers how many occurrences were fired; failed attempts wait for their time, as ever.
   *
   * Cost: that of what is fired; 1 RCU; for each shard 1 RCU, 1 more if a minute was open, and for each of these 1 RCU for each 4 KB of its entries, and 1 RCU if some
   * of them are left; all of these once more if something was fired.
   *
   * @throws what DynamoDB throws: call it again then.
   */
  fireDue(options?: FireDueOptions): Promise<number>;
  /** Creates the tables `<prefix>-schedules` and `<prefix>-control` if they are missing; safe to call always. */
  ensureTables(): Promise<void>;
}

/** Contexts of schedulers, for the workers beside them. */
const contexts = new WeakMap<object, SchedulerContext>();

export function contextOf(scheduler: Scheduler<never>): SchedulerContext {
  const context = contexts.get(scheduler);
  if (context === undefined) throw new TypeError("The scheduler has to come from createScheduler.");
  return context;
}

/** @throws TypeError, RangeError for options that can't be. */
export function createScheduler<const Registry extends Targets>(
  options: SchedulerOptions<Registry>,
): Scheduler<Registry> {
  return createSchedulerOn(options, {});
}

/** The scheduler on means of the caller's own. */
export function createSchedulerOn<const Registry extends Targets>(
  options: SchedulerOptions<Registry>,
  means: SchedulerMeans,
): Scheduler<Registry> {
  checkShards(options.shards);
  const targets: Targets = options.targets ?? {};
  const context = createContext({ ...options, targets }, means);
  let settled: Promise<number> | undefined;
  const shards = async (): Promise<number> => {
    settled ??= settleShards(context, options.shards);
    try {
      return await settled;
    } catch (error) {
      settled = undefined;
      throw error;
    }
  };
  const scheduler: Scheduler<Registry> = {
    schedule: async (request) => schedule(context, request, await shards()),
    cancel: (idOrName) => cancel(context, idOrName),
    reschedule: async (idOrName, when) => reschedule(context, idOrName, { when, shards: await shards() }),
    pause: (which) => pauseAll(context, which, shards),
    resume: (which) => resumeAll(context, which, shards),
    async get(idOrName) {
      const { entry, named } = await findSchedule(context, idOrName);
      if (entry === undefined) return undefined;
      return named === undefined || named.name !== idOrName
        ? scheduleOf(entry)
        : namedScheduleOf(named, entry);
    },
    list: (listing = {}) => listSchedules({ ...context, signal: listing.signal }, listing, shards),
    history: (idOrName) => historyOf(context, idOrName),
    recover: async ({ since }) => recover(context, { since, shards: await shards() }),
    async *parked() {
      for await (const { entry } of parkedEntries(context, await shards())) {
        if (entry.state === "parked") yield scheduleOf(entry);
      }
    },
    replay: (id) => replayAll(context, id, shards),
    fireNow: async (idOrName) => fireNow(context, idOrName, await shards()),
    fireDue: async (firing = {}) => fireDue(context, firing),
    ensureTables: () => context.storage.ensureTables(),
  };
  contexts.set(scheduler, context);
  return scheduler;
}

type Shards = () => Promise<number>;

async function pauseAll(context: SchedulerContext, which: Which, shards: Shards): Promise<number> {
  if (typeof which === "string") {
    await pauseSchedule(context, which);
    return 1;
  }
  const states = ["pending", "claimed"] as const;
  let count = 0;
  for await (const { id, name } of listSchedules(context, { ...groupOf(which), states }, shards)) {
    if (await unlessOver(() => pauseSchedule(context, name ?? id))) count++;
  }
  return count;
}

async function resumeAll(context: SchedulerContext, which: Which, shards: Shards): Promise<number> {
  if (typeof which === "string") {
    await resumeSchedule(context, which, await shards());
    return 1;
  }
  const { group } = groupOf(which);
  let count = 0;
  for await (const { id } of listSchedules(context, { group, states: ["paused"] }, shards)) {
    if (await unlessOver(async () => resumeSchedule(context, id, await shards()))) count++;
  }
  for await (const { name } of pausedSeries(context, group)) {
    if (await unlessOver(async () => resumeSchedule(context, name, await shards()))) count++;
  }
  return count;
}

/** Of many, one that has become something else meanwhile does not count. */
async function unlessOver(change: () => Promise<void>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    if (error instanceof ScheduleStateError) return false;
    throw error;
  }
}

function groupOf(which: Exclude<Which, string>): { readonly group: string | undefined } {
  return { group: "group" in which ? which.group : undefined };
}

async function replayAll(context: SchedulerContext, id: string | undefined, shards: Shards): Promise<number> {
  if (id !== undefined) {
    await replayOne(context, id);
    return 1;
  }
  let count = 0;
  for await (const parked of parkedEntries(context, await shards()))
    if (await replay(context, parked)) count++;
  return count;
}
