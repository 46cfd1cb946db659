import { SYSTEM_RUNTIME } from "@tuppence/core";
import type { ControlUpdate } from "@tuppence/core/leases";
import pMap from "p-map";
import { expect, it, onTestFinished, vi } from "vitest";
import { createScheduler } from "../src/scheduler.ts";
import { MAX_UPDATES } from "../src/storage/gather-requests.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { ItemRange } from "../src/storage/schedule-storage.ts";
import { call } from "../src/targets/call.ts";
import { createSchedulerWorker } from "../src/worker/create-scheduler-worker.ts";

/** What a worker does about many occurrences at a time, and what it sees of those that come late. */

const TIMEOUT = { timeout: 15_000 };

it("all that is due at an instant begins before an end is written, and goes 25 in a request", async () => {
  const schedules = 20 * MAX_UPDATES;
  const memory = createMemoryScheduleStorage();
  /** Handlers that begin, and requests that claim or end, in order. */
  const log: string[] = [];
  const note = (updates: readonly ControlUpdate[]): void => {
    if (updates[0]?.key.partition.startsWith("DUE"))
      log.push(`${String(updates[0].set["st"])} ${updates.length}`);
  };
  const storage: typeof memory = {
    ...memory,
    update: (update, signal) => {
      note([update]);
      return memory.update(update, signal);
    },
    updateMany: (updates) => {
      note(updates);
      return memory.updateMany(updates);
    },
  };
  const targets = { fire: call(() => void log.push("begins")) };
  const scheduler = createScheduler({ storage: memory, targets, shards: 1 });
  let nowMs = Date.now();
  const at = nowMs + 3_000;
  await pMap(Array.from({ length: schedules }), () => scheduler.schedule({ at, target: "fire" }));
  // The clock stands still until all are claimed; whoever sleeps looks at it again and again.
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    SYSTEM_RUNTIME.sleep(Math.min(ms, 5), signal);
  const worker = createSchedulerWorker({ storage, targets, runtime: { now: () => nowMs, sleep } });
  onTestFinished(() => worker.stop());
  worker.start();
  await vi.waitFor(() => expect(log.length).toBe(20), TIMEOUT);
  nowMs = at;
  await vi.waitFor(() => expect(log.filter((each) => each.startsWith("fired")).length).toBe(20), TIMEOUT);
  const expected = (what: string, times: number): string[] => Array.from({ length: times }, () => what);
  expect(log).toEqual([
    ...expected(`claimed ${MAX_UPDATES}`, 20),
    ...expected("begins", schedules),
    ...expected(`fired ${MAX_UPDATES}`, 20),
  ]);
});

it("what a clock that is behind puts into the past is seen within five looks", async () => {
  const memory = createMemoryScheduleStorage();
  let looks = 0;
  const storage = {
    ...memory,
    query: (range: ItemRange) => {
      if (range.partition.startsWith("OPEN")) looks++;
      return memory.query(range);
    },
  };
  const fired: unknown[] = [];
  const targets = { fire: call(({ payload }) => void fired.push(payload)) };
  const runtime = { ...SYSTEM_RUNTIME, now: () => Date.now() - 8_000 };
  const scheduler = createScheduler({ storage: memory, targets, runtime, shards: 1 });
  const worker = createSchedulerWorker({ storage, targets, lookMs: 50 });
  // What is first in a minute is seen because all of it is read.
  const schedule = (payload: number): Promise<unknown> =>
    scheduler.schedule({ at: firstMs, target: "fire", payload });
  const firstMs = Date.now() - 8_000;
  await schedule(1);
  onTestFinished(() => worker.stop());
  worker.start();
  await vi.waitFor(() => expect(fired).toEqual([1]), TIMEOUT);
  looks = 0;
  await schedule(2);
  await vi.waitFor(() => expect(fired).toEqual([1, 2]), { ...TIMEOUT, interval: 5 });
  expect(looks).toBeLessThanOrEqual(6);
});
