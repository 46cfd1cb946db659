import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type CapacityMeter,
  createEventStore,
  defineEvents,
  ensureTables,
  type EventOf,
  meterCapacity,
} from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { append, createScheduler, type EntryState, type Schedule, type Scheduler } from "@tuppence/scheduler";
import { z } from "zod";
import { CATEGORY } from "./receipt-log.ts";

const deadlineEvents = defineEvents({
  /** The office has not decided in time. */
  DeadlinePassed: z.object({ permit: z.string(), deadlineAt: z.string(), passedAt: z.string() }),
});

export type DeadlineEvent = EventOf<typeof deadlineEvents>;

/** The category of the streams that say so: `deadline|case-10011`. */
const DEADLINES = "deadline";

/** What is over is kept for ever, in milliseconds: the data's clock is years behind that of TTL. */
const RETENTION_MS = 100 * 365 * 86_400_000;

const ALL_STATES: readonly EntryState[] = ["pending", "claimed", "fired", "cancelled", "skipped", "parked"];

/** The deadlines as they are stored. */
export interface StoredDeadlines {
  /** What is scheduled, was fired or cancelled, by the permit. */
  readonly schedules: ReadonlyMap<string, Pick<Schedule, "state" | "dueAt" | "group">>;
  /** What happened, by the permit. */
  readonly events: ReadonlyMap<string, readonly DeadlineEvent[]>;
}

/** A schedule for the deadline of each permit. */
export interface Deadlines extends Disposable {
  readonly scheduler: Scheduler;
  /** The clock that they go by, in epoch milliseconds: it stands still until it is set. */
  readonly clock: { nowMs: number };
  readonly meter: CapacityMeter;
  /** Fires what is due by the clock, which TTL and doorbells do not go by. Answers how many were. */
  fireDue(): Promise<number>;
  /** All schedules there are, those that are over included. */
  list(): AsyncIterable<Schedule>;
  read(): Promise<StoredDeadlines>;
}

/**
 * Opens the schedules of the deadlines. One that is not cancelled in time appends an event to a stream of its own, exactly once.
 *
 * They have tables of their own: what is appended is about the data's time, and no part of the permits' log.
 */
export async function openDeadlines(config: ReturnType<DynamoDBLocal["clientConfig"]>): Promise<Deadlines> {
  const client = new DynamoDBClient(config);
  const store = createEventStore({ client, events: deadlineEvents });
  const clock = { nowMs: 0 };
  const runtime = { now: (): number => clock.nowMs };
  const targets = {
    deadlinePassed: append({
      store,
      streamId: ({ name }) => deadlineStream(String(name)),
      events: ({ name, dueAt, fireAt }) => {
        const data = { permit: String(name), deadlineAt: officeTime(dueAt), passedAt: officeTime(fireAt) };
        return [{ type: "DeadlinePassed", data }];
      },
    }),
  };
  const scheduler = createScheduler({ client, targets, shards: 1, retentionMs: RETENTION_MS, runtime });
  await Promise.all([ensureTables({ client }), scheduler.ensureTables()]);
  const meter = meterCapacity(client);
  const list = (): AsyncIterable<Schedule> =>
    scheduler.list({ namePrefix: `${CATEGORY}|`, states: ALL_STATES });
  return {
    scheduler,
    clock,
    meter,
    list,
    fireDue: () => scheduler.fireDue(),
    async read() {
      const schedules = new Map<string, Schedule>();
      for await (const schedule of list()) schedules.set(String(schedule.name), schedule);
      const events = new Map<string, DeadlineEvent[]>();
      for await (const streamId of store.listStreams(DEADLINES)) {
        const own: DeadlineEvent[] = [];
        for await (const { type, data } of store.read(streamId)) own.push({ type, data });
        events.set(streamId.replace(DEADLINES, CATEGORY), own);
      }
      return { schedules, events };
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** The instant of a wall-clock time of the office, in epoch milliseconds. The file names no zone; nothing here depends on it. */
export function instantOf(time: string): number {
  return Date.parse(`${time}Z`);
}

/** The contrary. */
export function officeTime(instant: Date): string {
  return instant.toISOString().slice(0, -1);
}

function deadlineStream(permit: string): string {
  return permit.replace(CATEGORY, DEADLINES);
}
