import { SYSTEM_RUNTIME, type Runtime } from "@tuppence/core";
import { readOpenMinutes, ring } from "../src/drain/ring.ts";
import { closeMinute } from "../src/minutes/close-minute.ts";
import { contextOf, createSchedulerOn, type Scheduler } from "../src/scheduler.ts";
import type { SchedulerMeans } from "../src/create-context.ts";
import type { SchedulerEvent } from "../src/scheduler-event.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { FinishWrites, Occurrence, Targets } from "../src/targets/target.ts";

/** A scheduler whose clock stands still until it is told to go on, and whose doorbells ring when they are told to. */
export class StoppedClock {
  now: number;
  readonly fired: Occurrence[] = [];
  readonly events: SchedulerEvent[] = [];
  readonly storage: ScheduleStorage;
  readonly scheduler: Scheduler;
  /** What the target `call` does. */
  onCall: (occurrence: Occurrence, signal: AbortSignal) => unknown = () => undefined;

  constructor(
    options: { readonly now?: number; readonly storage?: ScheduleStorage; readonly shards?: number } = {},
    means: SchedulerMeans = {},
  ) {
    this.now = options.now ?? Date.UTC(2026, 0, 5, 12);
    this.storage = options.storage ?? createMemoryScheduleStorage();
    const targets: Targets = {
      call: {
        kind: "call",
        timeoutMs: 1_000,
        fire: async (occurrence, { signal }) => {
          await this.onCall(occurrence, signal);
          this.fired.push(occurrence);
        },
      },
      write: {
        kind: "write",
        isInStore: true,
        fire: (occurrence, { finish }) => this.#write(occurrence, finish),
      },
    };
    const { storage, runtime } = this;
    const { shards } = options;
    const onEvent = (event: SchedulerEvent): void => void this.events.push(event);
    this.scheduler = createSchedulerOn({ storage, targets, runtime, shards, onEvent }, means);
  }

  readonly runtime: Runtime = {
    ...SYSTEM_RUNTIME,
    now: () => this.now,
    random: () => Math.random(),
  };

  /** Lets time pass, and every shard's doorbell ring. */
  async pass(ms: number): Promise<void> {
    this.now += ms;
    await this.scheduler.fireDue({ concurrency: 8 });
  }

  /** A doorbell rings whose time was this one. */
  async ringAt(provenMs: number): Promise<void> {
    await ring({ ...contextOf(this.scheduler), concurrency: 8 }, 0, provenMs);
  }

  /** Closes what is open and empty, as a drain does that looked before anything was put. */
  async closeEmpty(): Promise<void> {
    const context = contextOf(this.scheduler);
    for (const { minute, marker } of await readOpenMinutes(context, 0, { consistency: "strong" })) {
      await closeMinute(context, { shard: 0, minute }, marker);
    }
  }

  /** When what was fired was due, in ISO's words without the day. */
  get times(): string[] {
    return this.fired.map(({ dueAt }) => dueAt.toISOString().slice(11, 19));
  }

  async #write(occurrence: Occurrence, { changes }: FinishWrites): Promise<"fired" | "refused"> {
    const key = { partition: "written", sort: occurrence.id };
    const own = { key, where: { n: undefined }, set: { n: 1 } };
    const { applied } = await this.storage.transact([...changes, own], []);
    if (applied) this.fired.push(occurrence);
    return applied ? "fired" : "refused";
  }
}

/** All of an iterable. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
