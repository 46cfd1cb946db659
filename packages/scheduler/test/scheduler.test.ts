import { NonRetryableError, RetryAfterError } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { openPartition } from "../src/entries/keys.ts";
import {
  InvalidPayloadError,
  PayloadTooLargeError,
  ScheduleMissingError,
  ScheduleNameTakenError,
  ScheduleStateError,
  ShardsMismatchError,
} from "../src/errors.ts";
import { ring } from "../src/drain/ring.ts";
import { contextOf, createScheduler } from "../src/scheduler.ts";
import type { InStoreTarget } from "../src/targets/target.ts";
import { all, StoppedClock } from "./stopped-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("what is scheduled for once", () => {
  it("fires in its time, never before, and once", async () => {
    const clock = new StoppedClock();
    const made = await clock.scheduler.schedule({ in: "10m", target: "call", payload: { seat: 7 } });
    expect(made).toMatchObject({ state: "pending", target: "call", payload: { seat: 7 }, attempts: 0 });
    expect(made.fireAt).toEqual(new Date(clock.now + 10 * MINUTE));
    await clock.pass(10 * MINUTE - 1);
    expect(clock.fired).toEqual([]);
    await clock.pass(1);
    await clock.pass(HOUR);
    expect(clock.fired).toMatchObject([{ id: made.id, payload: { seat: 7 }, attempt: 1, dueAt: made.dueAt }]);
    expect(await clock.scheduler.get(made.id)).toMatchObject({ state: "fired", attempts: 1 });
  });

  it("fires at once when its time has passed", async () => {
    const clock = new StoppedClock();
    const at = new Date(clock.now - 40 * 24 * HOUR);
    await clock.scheduler.schedule({ at, target: "call" });
    await clock.pass(0);
    expect(clock.fired).toMatchObject([{ dueAt: at, fireAt: new Date(clock.now) }]);
  });

  it("fires in the same transaction as what it writes, if its target is in the store", async () => {
    const clock = new StoppedClock();
    const { id } = await clock.scheduler.schedule({ in: 0, target: "write" });
    await Promise.all([clock.pass(0), clock.pass(0), clock.pass(0)]);
    expect(clock.fired).toHaveLength(1);
    expect(await clock.scheduler.get(id)).toMatchObject({ state: "fired", attempts: 1 });
  });

  it("may be years ahead", async () => {
    const clock = new StoppedClock();
    await clock.scheduler.schedule({ at: "2049-02-28T12:00:00Z", target: "call" });
    clock.now = Date.UTC(2049, 1, 28, 12);
    await clock.pass(0);
    expect(clock.times).toEqual(["12:00:00"]);
  });

  it("closes its minute once that is over", async () => {
    const clock = new StoppedClock({ shards: 1 });
    const markers = async (): Promise<number> =>
      (await clock.storage.query({ partition: openPartition(0), consistency: "strong" })).items.length;
    await clock.scheduler.schedule({ in: 0, target: "call" });
    await clock.pass(4 * MINUTE);
    expect(await markers()).toBe(1);
    await clock.pass(3 * MINUTE);
    expect(await markers()).toBe(0);
  });

  it("is up to its jitter later", async () => {
    const clock = new StoppedClock();
    const made = [];
    for (let index = 0; index < 50; index++) {
      made.push(await clock.scheduler.schedule({ in: HOUR, jitter: "10m", target: "call" }));
    }
    const late = made.map(({ fireAt, dueAt }) => fireAt.getTime() - dueAt.getTime());
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(10 * MINUTE);
    expect(new Set(late).size).toBeGreaterThan(40);
  });
});

describe("a name", () => {
  it("is scheduled once with the same words, and not with others", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const words = {
      name: "a",
      at: "2026-02-01T00:00:00Z",
      target: "call",
      payload: { a: 1, b: [2] },
    } as const;
    const first = await scheduler.schedule(words);
    expect(await scheduler.schedule(words)).toEqual(first);
    await expect(scheduler.schedule({ ...words, payload: { a: 2 } })).rejects.toThrow(ScheduleNameTakenError);
    const other = await scheduler.schedule({ ...words, payload: { a: 2 }, replace: true });
    expect(other.id).not.toBe(first.id);
    expect(await scheduler.get("a")).toMatchObject({ id: other.id, payload: { a: 2 } });
    expect(await scheduler.get(first.id)).toMatchObject({ id: other.id });
    expect(await scheduler.cancel("a")).toBe("cancelled");
    expect(await scheduler.get("a")).toMatchObject({ state: "cancelled" });
    expect((await scheduler.schedule(words)).id).not.toBe(first.id);
  });

  it("stays with what was fired, and can be had for something else then", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const words = { name: "a", in: "1m", target: "call" } as const;
    const { id } = await scheduler.schedule(words);
    await clock.pass(2 * MINUTE);
    expect(await scheduler.schedule(words)).toMatchObject({ id, state: "fired" });
    await scheduler.schedule({ ...words, in: "2m" });
    await clock.pass(2 * MINUTE);
    expect(clock.fired).toHaveLength(2);
  });

  it("can't be like an id, empty or long", async () => {
    const { scheduler } = new StoppedClock();
    const { id } = await scheduler.schedule({ in: HOUR, target: "call" });
    for (const name of [id, "", "x".repeat(513)]) {
      await expect(scheduler.schedule({ name, in: 1, target: "call" })).rejects.toThrow(/name/);
    }
  });
});

describe("a cancellation", () => {
  it("is final", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const { id } = await scheduler.schedule({ in: "1m", target: "call" });
    expect(await scheduler.cancel(id)).toBe("cancelled");
    expect(await scheduler.cancel(id)).toBe("cancelled");
    await clock.pass(HOUR);
    expect(clock.fired).toEqual([]);
    const late = await scheduler.schedule({ in: 0, target: "call" });
    await clock.pass(0);
    expect(await scheduler.cancel(late.id)).toBe("alreadyFired");
    expect(await scheduler.cancel("nobody")).toBe("unknown");
    expect(await scheduler.cancel("0mg3k9z5s-2-4fzk09x1m2c3qw7e")).toBe("unknown");
  });

  it("says when it fires just now", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const { id } = await scheduler.schedule({ in: 0, target: "call" });
    clock.onCall = async () => expect(await scheduler.cancel(id)).toBe("firing");
    await clock.pass(0);
    expect(clock.fired).toHaveLength(1);
  });
});

describe("another time", () => {
  it("is the one that it fires at, and the id before leads to it", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const { id } = await scheduler.schedule({ in: "1m", target: "call", payload: 1 });
    const moved = await scheduler.reschedule(id, { in: "2h" });
    await clock.pass(HOUR);
    expect(clock.fired).toEqual([]);
    expect(await scheduler.get(id)).toEqual(moved);
    const again = await scheduler.reschedule(id, { in: "1m" });
    await clock.pass(2 * HOUR);
    expect(clock.fired).toMatchObject([{ id: again.id, payload: 1 }]);
    await expect(scheduler.reschedule(id, { in: 1 })).rejects.toThrow(ScheduleStateError);
    await expect(scheduler.reschedule("b", { in: 1 })).rejects.toThrow(ScheduleMissingError);
    expect((await all(scheduler.history(id))).map(({ state }) => state)).toEqual(["fired", "moved", "moved"]);
  });

  it("may be now", async () => {
    const clock = new StoppedClock();
    const { id } = await clock.scheduler.schedule({ name: "a", in: "30d", target: "call" });
    await clock.scheduler.fireNow("a");
    await clock.pass(0);
    expect(clock.fired).toHaveLength(1);
    expect(await clock.scheduler.get(id)).toMatchObject({ state: "fired" });
    await clock.pass(31 * 24 * HOUR);
    expect(clock.fired).toHaveLength(1);
  });
});

describe("what fails", () => {
  it("is tried again, later each time, then parked, and replayed", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    clock.onCall = () => {
      throw new Error("no");
    };
    const retry = { maxAttempts: 3, baseMs: 1_000, maxMs: 10_000 };
    const { id } = await scheduler.schedule({ name: "a", in: 0, target: "call", retry });
    await clock.pass(0);
    expect(await scheduler.get(id)).toMatchObject({ state: "pending", attempts: 1, reason: "Error: no" });
    await clock.pass(10_000);
    await clock.pass(10_000);
    expect(await scheduler.get("a")).toMatchObject({ state: "parked", attempts: 3 });
    expect(await all(scheduler.parked())).toMatchObject([{ id, reason: "Error: no" }]);
    expect(clock.events.map(({ type }) => type)).toEqual(["retrying", "retrying", "parked"]);
    await clock.pass(30 * 24 * HOUR);
    clock.onCall = () => undefined;
    expect(await scheduler.replay()).toBe(1);
    expect(await scheduler.replay()).toBe(0);
    await clock.pass(0);
    expect(clock.fired).toMatchObject([{ id, attempt: 4 }]);
    expect(await all(scheduler.parked())).toEqual([]);
    await expect(scheduler.replay(id)).rejects.toThrow(ScheduleStateError);
  });

  it("is parked at once if it says so, and tried for ever if it is over by itself", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    clock.onCall = ({ payload }) => {
      throw payload === "never"
        ? new NonRetryableError("no")
        : new RetryAfterError("later", { retryAfterMs: MINUTE });
    };
    const never = await scheduler.schedule({ in: 0, target: "call", payload: "never" });
    const later = await scheduler.schedule({ in: 0, target: "call", payload: "later" });
    for (let attempt = 0; attempt < 12; attempt++) await clock.pass(MINUTE);
    expect(await scheduler.get(never.id)).toMatchObject({ state: "parked", attempts: 1 });
    expect(await scheduler.get(later.id)).toMatchObject({ state: "pending", attempts: 12 });
  });

  it("is what does not answer in time", async () => {
    const clock = new StoppedClock();
    const retry = { maxAttempts: 1 };
    clock.onCall = (_, signal) => new Promise((resolve) => signal.addEventListener("abort", resolve));
    const { id } = await clock.scheduler.schedule({ in: 0, target: "call", retry });
    await clock.pass(0);
    expect(await clock.scheduler.get(id)).toMatchObject({
      state: "parked",
      reason: 'TargetTimeoutError: Target "call" did not answer within 1000 ms.',
    });
  });

  it("is what a target in the store refuses for reasons of its own", async () => {
    const refuse: InStoreTarget = { kind: "refuse", isInStore: true, fire: async () => "refused" };
    const { storage, now } = new StoppedClock();
    const targets = { refuse };
    const scheduler = createScheduler({ storage, targets, runtime: { now: () => now } });
    const { id } = await scheduler.schedule({ in: 0, target: "refuse", retry: { maxAttempts: 1 } });
    const context = { ...contextOf(scheduler), concurrency: 1 };
    for (let shard = 0; shard < 4; shard++) await ring(context, shard, 0);
    expect(await scheduler.get(id)).toMatchObject({ state: "parked", attempts: 1 });
  });

  it("can be asked for only by those who have its target", async () => {
    const clock = new StoppedClock();
    const { id } = await clock.scheduler.schedule({ in: 0, target: "call" });
    const admin = createScheduler({ storage: clock.storage });
    expect(await admin.get(id)).toMatchObject({ state: "pending" });
    await expect(admin.schedule({ in: 0, target: "call" })).rejects.toThrow("There is no target");
  });
});

describe("a series", () => {
  it("goes on from its scheduled times, and has its history", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    await scheduler.schedule({ name: "hourly", cron: "0 * * * *", target: "call" });
    for (let hour = 0; hour < 4; hour++) await clock.pass(HOUR + 3_000);
    expect(clock.times).toEqual(["13:00:00", "14:00:00", "15:00:00", "16:00:00"]);
    const history = await all(scheduler.history("hourly"));
    expect(history.map(({ state }) => state)).toEqual(["pending", "fired", "fired", "fired", "fired"]);
    expect(await scheduler.cancel("hourly")).toBe("cancelled");
    await clock.pass(2 * HOUR);
    expect(clock.fired).toHaveLength(4);
  });

  it("has a name even if it was given none", async () => {
    const clock = new StoppedClock();
    const { id, name } = await clock.scheduler.schedule({ every: "10s", target: "write" });
    await clock.pass(10_000);
    await clock.pass(10_000);
    expect(clock.fired.map((each) => each.name)).toEqual([name, name]);
    expect(await clock.scheduler.cancel(id)).toBe("cancelled");
    await clock.pass(HOUR);
    expect(clock.fired).toHaveLength(2);
  });

  it("does with missed runs what its policy says", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    for (const misfire of ["fireOnce", "skip", { policy: "fireAll", max: 2 }] as const) {
      const policy = typeof misfire === "string" ? misfire : misfire.policy;
      await scheduler.schedule({ name: policy, group: policy, cron: "0 * * * *", target: "call", misfire });
    }
    await clock.pass(5 * HOUR + 30 * MINUTE);
    const timesOf = (policy: string): string[] =>
      clock.fired
        .filter(({ group }) => group === policy)
        .map(({ dueAt }) => dueAt.toISOString().slice(11, 13));
    expect([timesOf("fireOnce"), timesOf("skip"), timesOf("fireAll")]).toEqual([["13"], [], ["16", "17"]]);
    await clock.pass(HOUR / 2);
    expect([timesOf("fireOnce"), timesOf("skip"), timesOf("fireAll")]).toEqual([
      ["13", "18"],
      ["18"],
      ["16", "17", "18"],
    ]);
  });

  it("does with runs that overlap what its policy says", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    for (const overlap of ["skip", "bufferOne", "allow"] as const) {
      await scheduler.schedule({ name: overlap, every: "10s", target: "call", overlap, misfire: "fireAll" });
    }
    clock.onCall = ({ attempt, dueAt }) => {
      // The first run of each takes 25 seconds, all of them together.
      if (dueAt.getTime() === start + 10_000 && attempt === 1) clock.now = start + 35_000;
    };
    const start = clock.now;
    await clock.pass(10_000);
    await clock.pass(10_000);
    const timesOf = (name: string): number[] =>
      clock.fired.filter((each) => each.name === name).map(({ dueAt }) => (dueAt.getTime() - start) / 1_000);
    expect(timesOf("skip")).toEqual([10, 40]);
    expect(timesOf("bufferOne")).toEqual([10, 20, 40]);
    expect(timesOf("allow").toSorted((one, other) => one - other)).toEqual([10, 20, 30, 40]);
  });

  it("pauses and goes on from then, also with its group", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    await scheduler.schedule({ name: "a", group: "g", cron: "0 * * * *", target: "call" });
    const { id } = await scheduler.schedule({ group: "g", in: "90m", target: "call" });
    await scheduler.schedule({ group: "other", in: "90m", target: "call" });
    expect(await scheduler.pause({ group: "g" })).toBe(2);
    expect(await scheduler.pause({ group: "g" })).toBe(0);
    await scheduler.pause("a");
    expect(await scheduler.get("a")).toMatchObject({ state: "paused" });
    expect(await scheduler.get(id)).toMatchObject({ state: "paused" });
    await clock.pass(3 * HOUR);
    expect(clock.times).toEqual(["13:30:00"]);
    expect(await scheduler.resume({ all: true })).toBe(2);
    await clock.pass(0);
    expect(clock.times).toEqual(["13:30:00", "13:30:00"]);
    await clock.pass(HOUR);
    expect(clock.times).toEqual(["13:30:00", "13:30:00", "16:00:00"]);
  });

  it("takes another pattern, and keeps one chain of occurrences", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    await scheduler.schedule({ name: "a", cron: "0 * * * *", target: "call" });
    clock.onCall = async () => {
      clock.onCall = () => undefined;
      await scheduler.reschedule("a", { cron: "30 * * * *" });
    };
    for (let half = 0; half < 6; half++) await clock.pass(HOUR / 2);
    expect(clock.times).toEqual(["13:00:00", "13:30:00", "14:30:00"]);
    await scheduler.fireNow("a");
    await clock.pass(0);
    expect(clock.times.at(-1)).toBe("15:00:00");
    await clock.pass(HOUR / 2);
    expect(clock.times.at(-1)).toBe("15:30:00");
    expect(clock.fired).toHaveLength(5);
  });

  it("is cancelled by the id that it was made with, whatever has become of it", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const { id } = await scheduler.schedule({ name: "a", cron: "0 * * * *", target: "call" });
    await clock.pass(HOUR);
    await scheduler.pause("a");
    await scheduler.resume("a");
    await scheduler.reschedule("a", { cron: "30 * * * *" });
    expect(await scheduler.cancel(id)).toBe("cancelled");
    await clock.pass(2 * HOUR);
    expect(clock.fired).toHaveLength(1);
    await scheduler.schedule({ name: "a", cron: "0 * * * *", target: "call" });
    // Another one under its name is not meant.
    expect(await scheduler.cancel(id)).toBe("alreadyFired");
    await clock.pass(HOUR);
    expect(clock.fired).toHaveLength(2);
  });

  it("ends when its pattern does", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    await scheduler.schedule({ name: "a", cron: "0 0 13 5 1 * 2026", target: "call" });
    await clock.pass(HOUR);
    await clock.pass(24 * HOUR);
    expect(clock.fired).toHaveLength(1);
    expect(await scheduler.cancel("a")).toBe("alreadyFired");
  });
});

describe("schedules", () => {
  it("are listed by time, group and name", async () => {
    const clock = new StoppedClock();
    const { scheduler } = clock;
    const inHours = (hours: number): Date => new Date(clock.now + hours * HOUR);
    for (let hour = 1; hour <= 6; hour++) {
      await scheduler.schedule({
        at: inHours(hour),
        name: `${hour % 2 === 0 ? "even" : "odd"}/${hour}`,
        group: hour < 4 ? "early" : "late",
        target: "call",
        payload: hour,
      });
    }
    const payloads = async (options: Parameters<typeof scheduler.list>[0]): Promise<unknown[]> =>
      (await all(scheduler.list(options))).map(({ payload }) => payload);
    expect(await payloads({})).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await payloads({ from: inHours(2), to: inHours(4) })).toEqual([2, 3, 4]);
    expect(await payloads({ group: "late" })).toEqual([4, 5, 6]);
    expect(await payloads({ namePrefix: "odd/" })).toEqual([1, 3, 5]);
    expect(await payloads({ namePrefix: "" })).toEqual([2, 4, 6, 1, 3, 5]);
    await clock.pass(2 * HOUR);
    expect(await payloads({})).toEqual([3, 4, 5, 6]);
    expect(await payloads({ from: inHours(-2), states: ["fired"] })).toEqual([1, 2]);
  });

  it("are recovered where they were left behind", async () => {
    const clock = new StoppedClock({ shards: 2 });
    const { scheduler } = clock;
    const since = new Date(clock.now);
    for (let index = 0; index < 5; index++) await scheduler.schedule({ in: "1h", target: "call" });
    for (const shard of [0, 1]) {
      const partition = openPartition(shard);
      const { items } = await clock.storage.query({ partition, consistency: "strong" });
      for (const [sort] of items) await clock.storage.delete({ partition, sort });
    }
    await clock.pass(2 * HOUR);
    expect(clock.fired).toEqual([]);
    const found = await scheduler.recover({ since });
    expect(found).toMatchObject({ minutes: 2 * (121 + 10), waiting: 5 });
    expect(found.opened).toBeGreaterThan(0);
    expect(await scheduler.recover({ since })).toMatchObject({ waiting: 5, opened: 0 });
    await clock.pass(0);
    expect(clock.fired).toHaveLength(5);
    expect(await scheduler.recover({ since })).toMatchObject({ waiting: 0, opened: 0 });
  });

  it("have payloads that their targets take", async () => {
    const scheduler = createScheduler({
      storage: new StoppedClock().storage,
      targets: {
        seat: { kind: "call", payload: z.object({ seat: z.number() }), fire: async () => undefined },
      },
    });
    const schedule = (payload: unknown): Promise<unknown> =>
      scheduler.schedule({ in: HOUR, target: "seat", payload: payload as never });
    expect(await schedule({ seat: 7 })).toMatchObject({ payload: { seat: 7 } });
    await expect(schedule({ seat: "7" })).rejects.toThrow(InvalidPayloadError);
    const clock = new StoppedClock();
    const payload = "x".repeat(65_535);
    await expect(clock.scheduler.schedule({ in: 1, target: "call", payload })).rejects.toThrow(
      PayloadTooLargeError,
    );
    await clock.scheduler.schedule({ in: 1, target: "call", payload: payload.slice(1) });
  });

  it("are in as many shards as the table has, or more", async () => {
    const clock = new StoppedClock({ shards: 2 });
    await clock.scheduler.schedule({ in: 0, target: "call" });
    const more = new StoppedClock({ storage: clock.storage, shards: 8, now: clock.now });
    for (let index = 0; index < 30; index++) await more.scheduler.schedule({ in: 0, target: "call" });
    await clock.pass(0);
    expect(clock.fired).toHaveLength(31);
    const fewer = new StoppedClock({ storage: clock.storage, shards: 4 });
    await expect(fewer.scheduler.schedule({ in: 0, target: "call" })).rejects.toThrow(ShardsMismatchError);
  });
});
