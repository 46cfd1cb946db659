import { describe, expect, it } from "vitest";
import { createBellHandler } from "../src/lambda/create-bell-handler.ts";
import { createScheduler } from "../src/scheduler.ts";
import { DEFAULT_SHARDS } from "../src/shards.ts";
import { call } from "../src/targets/call.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";
import { createSchedulerWorker } from "../src/worker/create-scheduler-worker.ts";
import { type Mortal, Timeline } from "./timeline.ts";

/** What is asked of the storage in an hour in which nothing is due, in virtual time: costs.test.ts says what each of that costs. */

const MINUTE = 60_000;
/** A part of an hour that is waited for, and how many of it there are in one. */
const PART_MS = 10 * MINUTE;
const PARTS = 6;

/** A storage in memory, and what is asked of it: by requests, partitions and consistency. */
function counted(): { readonly storage: ScheduleStorage; readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const memory = createMemoryScheduleStorage();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const storage: ScheduleStorage = {
    ...memory,
    update: (update, signal) => {
      count(`update ${update.key.partition}`);
      return memory.update(update, signal);
    },
    transact: (changes, also, signal) => {
      count(`transact ${changes.length}`);
      return memory.transact(changes, also, signal);
    },
    find: (key, signal) => {
      count(`find ${key.partition}`);
      return memory.find(key, signal);
    },
    list: (partition, options) => {
      count(`list ${partition} ${options.consistency}`);
      return memory.list(partition, options);
    },
    query: (range) => {
      count(`query ${range.partition} ${range.consistency}`);
      return memory.query(range);
    },
  };
  return { storage, counts };
}

describe("while nothing is due", () => {
  it("a worker looks at each shard, keeps its leases, and sees who else is there: 15,540 RCU and 5,400 WCU an hour", async () => {
    const timeline = new Timeline(1);
    const whose: Mortal = { isDead: false, skewMs: 0 };
    const { storage, counts } = counted();
    const worker = createSchedulerWorker({ storage, targets: {}, runtime: timeline.runtimeOf(whose) });
    worker.start();
    await timeline.run(timeline.now + MINUTE);
    counts.clear();
    await timeline.run(timeline.now + PART_MS);
    whose.isDead = true;
    const anHour = Object.fromEntries([...counts].map(([what, count]) => [what, count * PARTS]));
    const looks = Array.from({ length: DEFAULT_SHARDS }, (_, shard) => [
      `query OPEN|${shard} eventual`,
      7_200,
    ]);
    expect(anHour).toEqual({
      ...Object.fromEntries(looks),
      "update LEASE|scheduler": 1_080 * DEFAULT_SHARDS,
      "update MEMBER|scheduler": 1_080,
      "list LEASE|scheduler eventual": 1_080,
      "list MEMBER|scheduler eventual": 1_080,
      "find CONFIG": 60,
    });
    const readUnits = 0.5 * (7_200 * DEFAULT_SHARDS + 2 * 1_080) + 60;
    expect(readUnits).toBe(15_540);
    expect(1_080 * (DEFAULT_SHARDS + 1)).toBe(5_400);
  });

  it("doorbells ask for nothing", async () => {
    const timeline = new Timeline(1);
    const runtime = timeline.runtimeOf({ isDead: false, skewMs: 0 });
    const { storage, counts } = counted();
    const targets = { call: call(() => undefined) };
    createBellHandler({ storage, targets, runtime });
    await createScheduler({ storage, targets, runtime }).schedule({ in: "1d", target: "call" });
    counts.clear();
    expect(await timeline.run(timeline.now + PARTS * PART_MS)).toBe(true);
    expect(Object.fromEntries(counts)).toEqual({});
  });
});
