import { type Deadlines, instantOf } from "./deadlines.ts";
import type { LoggedTask } from "./receipt-log.ts";
import { CONCURRENCY } from "./send-tasks.ts";

/** What a run did about deadlines. */
export interface WatchedDeadlines {
  readonly scheduled: number;
  readonly cancelled: number;
  readonly fired: number;
}

/**
 * Follows the tasks of the office in the order of their time, and goes by their clock: a case that is received has its deadline scheduled, one that is
 * decided has it cancelled, and what is due fires before the clock passes on. What an earlier run has done is left as it is.
 */
export async function watchDeadlines(
  deadlines: Deadlines,
  tasks: AsyncIterable<LoggedTask>,
): Promise<WatchedDeadlines> {
  const watch = new DeadlineWatch(deadlines);
  await watch.learn();
  let last = "";
  for await (const task of tasks) {
    last = task.command.data.at;
    await watch.passOn(instantOf(last));
    await watch.follow(task);
  }
  // The last moment is over, too.
  if (last !== "") await watch.passOn(instantOf(last) + 1);
  await watch.settled();
  return watch.done;
}

class DeadlineWatch {
  readonly #deadlines: Deadlines;
  /** The states of the schedules that an earlier run left. */
  readonly #known = new Map<string, string>();
  /** When those fire that are neither cancelled nor fired, in epoch milliseconds. */
  readonly #alarms = new Map<string, number>();
  /** The last change that is under way for each permit. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #done = { scheduled: 0, cancelled: 0, fired: 0 };

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  get done(): WatchedDeadlines {
    return this.#done;
  }

  async learn(): Promise<void> {
    for await (const { name, state } of this.#deadlines.list()) this.#known.set(String(name), state);
  }

  /** Fires what is due before a moment, each in its time, and then sets the clock to it. */
  async passOn(nowMs: number): Promise<void> {
    const { clock } = this.#deadlines;
    for (let dueMs = this.#firstAlarm(); dueMs < nowMs; dueMs = this.#firstAlarm()) {
      await this.settled();
      clock.nowMs = Math.max(clock.nowMs, dueMs);
      this.#done.fired += await this.#deadlines.fireDue();
      for (const [permit, alarm] of this.#alarms) if (alarm <= dueMs) this.#alarms.delete(permit);
    }
    clock.nowMs = nowMs;
  }

  /** Waits for what is under way. @throws what failed of it. */
  async settled(): Promise<void> {
    await Promise.all(this.#changes.values());
  }

  /** Infinite when there is none. */
  #firstAlarm(): number {
    return Math.min(...this.#alarms.values());
  }

  /** Does what follows from a task: many cases at once, for each one after the other. */
  async follow({ streamId, department, command }: LoggedTask): Promise<void> {
    if (command.type === "receiveApplication") {
      await this.#receive(streamId, department, command.data.deadlineAt);
    } else if (command.type === "decideStop") {
      this.#decide(streamId);
    }
    if (this.#changes.size >= CONCURRENCY) await Promise.race(this.#changes.values());
  }

  async #receive(permit: string, department: string, deadlineAt: string): Promise<void> {
    const { scheduler, clock } = this.#deadlines;
    const known = this.#known.get(permit);
    const dueMs = instantOf(deadlineAt);
    if (known === undefined || known === "pending") this.#alarms.set(permit, Math.max(dueMs, clock.nowMs));
    if (known !== undefined) return;
    this.#change(permit, async () => {
      await scheduler.schedule({
        name: permit,
        group: department,
        at: `${deadlineAt}Z`,
        target: "deadlinePassed",
      });
      this.#done.scheduled += 1;
    });
    // What is due already fires at the time at which it was scheduled.
    if (dueMs <= clock.nowMs) await this.#changes.get(permit);
  }

  #decide(permit: string): void {
    this.#alarms.delete(permit);
    const known = this.#known.get(permit);
    if (known !== undefined && known !== "pending") return;
    this.#change(permit, async () => {
      // What has fired stays fired: the answer says so.
      if ((await this.#deadlines.scheduler.cancel(permit)) === "cancelled") this.#done.cancelled += 1;
    });
  }

  #change(permit: string, change: () => Promise<void>): void {
    const before = this.#changes.get(permit) ?? Promise.resolve();
    const changed: Promise<unknown> = before
      .then(change)
      .then(() => this.#changes.get(permit) === changed && this.#changes.delete(permit));
    // One that fails stays, for whoever waits next.
    changed.catch(() => undefined);
    this.#changes.set(permit, changed);
  }
}
