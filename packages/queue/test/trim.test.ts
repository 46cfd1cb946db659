import { type ChainStorage, createMemoryStorage } from "@tuppence/core/chains";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import { describe, expect, it } from "vitest";
import { createQueue, type Message, type Queue, type QueueOptions } from "../src/index.ts";
import { openContext } from "../src/open-context.ts";
import { trimQueue } from "../src/trim-queue.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";

const MINUTE_MS = 60_000;

/** A queue with an item of two messages every ten minutes, from 0 on; the clock stands where it is put. */
async function filled(options: Partial<QueueOptions> & { readonly items?: number } = {}) {
  const clock = { now: 0 };
  const place = { storage: createMemoryStorage(), control: createMemoryControlStorage() };
  const open = (more: Partial<QueueOptions> = {}): Queue =>
    createQueue({ name: "letters", ...place, runtime: { now: () => clock.now }, ...options, ...more });
  const queue = open();
  const { items = 12 } = options;
  for (let item = 0; item < items; item++) {
    clock.now = item * 10 * MINUTE_MS;
    await queue.enqueue([{ body: 2 * item + 1, messageId: `m${item}` }, { body: 2 * item + 2 }]);
  }
  return { queue, clock, place, open };
}

const bodies = async (messages: AsyncIterable<Message>): Promise<unknown[]> =>
  (await collect(messages)).map(({ body }) => body);

describe("trimming", () => {
  it("keeps what ids are looked for in, and what `before`, `olderThan` and the last item keep", async () => {
    const { queue, clock } = await filled();
    // The window of 15 minutes, and twice the margin: 35 minutes before 110 nothing may go.
    expect(await queue.trim({ before: 6 })).toMatchObject({ firstPosition: 5 });
    expect(await queue.trim({ olderThan: new Date(45 * MINUTE_MS) })).toMatchObject({ firstPosition: 11 });
    expect(await queue.trim({ before: 3 })).toMatchObject({ firstPosition: 11 });
    expect(await queue.trim()).toMatchObject({ firstPosition: 17 });
    expect(await bodies(queue.read(17))).toEqual([17, 18, 19, 20, 21, 22, 23, 24]);
    expect(await queue.peek({ limit: 1 })).toMatchObject([{ position: 17 }]);
    clock.now = 1_000 * MINUTE_MS;
    expect(await queue.trim()).toMatchObject({ firstPosition: 23 });
    expect(await queue.enqueue({ body: 25 })).toMatchObject({ positions: [25] });
    expect(await bodies(queue.read(23))).toEqual([23, 24, 25]);
  });

  it("says what is gone, and finds times among what is not", async () => {
    const { queue } = await filled();
    await queue.trim({ before: 9 });
    await expect(collect(queue.read(3))).rejects.toMatchObject({
      code: "queueTrimmed",
      queue: "letters",
      position: 3,
      firstPosition: 9,
    });
    expect(await queue.firstPosition()).toBe(9);
    const at = (minutes: number) => queue.positionAt(new Date(minutes * MINUTE_MS));
    expect([await at(-1), await at(10), await at(40), await at(41), await at(110), await at(111)]).toEqual([
      9, 9, 9, 11, 23, 25,
    ]);
  });

  it("never takes what somebody needs", async () => {
    const { queue, clock, place } = await filled();
    clock.now = 1_000 * MINUTE_MS;
    const settings = { name: "letters", dedupWindowMs: 0, runtime: { now: () => clock.now } };
    const { context } = openContext(place, settings);
    expect(await trimQueue(context, {}, async () => 8)).toMatchObject({ firstPosition: 7 });
    expect(await bodies(queue.read(7))).toHaveLength(18);
  });

  it("refuses ids that would have to be looked for in what is gone, alone, and takes others", async () => {
    const { clock, open, queue } = await filled();
    await queue.trim({ before: 9 });
    const fresh = open();
    const since = (minutes: number) => ({ since: new Date(minutes * MINUTE_MS) });
    const outcomes = await Promise.allSettled([
      fresh.enqueue({ body: "old", messageId: "m1", ...since(25) }),
      fresh.enqueue({ body: "known", messageId: "m11" }),
      fresh.enqueue({ body: "new", messageId: "x", ...since(50) }),
    ]);
    expect(outcomes).toMatchObject([
      { status: "rejected", reason: { code: "queueTrimmed", position: 8, firstPosition: 9 } },
      { status: "fulfilled", value: { positions: [23], duplicates: [0] } },
      { status: "fulfilled", value: { positions: [25], duplicates: [] } },
    ]);
    // Who slept while others enqueued and trimmed knows no more.
    clock.now = 400 * MINUTE_MS;
    await queue.enqueue({ body: 26, messageId: "z" });
    clock.now = 1_000 * MINUTE_MS;
    await queue.enqueue({ body: 27 });
    await queue.trim();
    await expect(fresh.enqueue({ body: "z", messageId: "z", ...since(50) })).rejects.toMatchObject({
      code: "queueTrimmed",
      position: 26,
    });
    expect(await fresh.enqueue({ body: 28, messageId: "y" })).toMatchObject({ positions: [28] });
  });

  it("leaves a producer's knowledge of itself", async () => {
    const producer = { id: "scanner" };
    const { clock, open, queue } = await filled({ producer });
    clock.now = 1_000 * MINUTE_MS;
    expect(await queue.trim()).toMatchObject({ firstPosition: 23 });
    // What it said of itself last was that it had no messages.
    expect(await open().producerState()).toEqual({ sequence: 24, position: 24 });
    expect(await open().enqueue({ body: 0 }, { sequence: 3 })).toMatchObject({
      positions: [3],
      duplicates: [0],
    });
  });

  it("goes on where an earlier one was interrupted, and strips nothing twice", async () => {
    const { queue, clock, place } = await filled();
    clock.now = 1_000 * MINUTE_MS;
    let strips = 0;
    const storage: ChainStorage = {
      ...place.storage,
      strip: async (...strip) => {
        strips += 1;
        if (strips === 4) throw new Error("gone");
        await place.storage.strip(...strip);
      },
    };
    const failing = createQueue({ name: "letters", ...place, storage, runtime: { now: () => clock.now } });
    await expect(failing.trim()).rejects.toThrow("gone");
    // It was said before it was begun.
    expect(await queue.firstPosition()).toBe(23);
    expect(await failing.trim()).toMatchObject({ firstPosition: 23 });
    await expect(collect(queue.read(7))).rejects.toMatchObject({ code: "queueTrimmed", firstPosition: 23 });
    const before = strips;
    await failing.trim();
    expect(strips).toBe(before);
  });

  it("costs what is let go", async () => {
    const client = connect("queuetrim");
    const queue = createQueue({
      client,
      name: "letters",
      dedupWindowMs: 0,
      runtime: { now: () => clock.now },
    });
    const clock = { now: 0 };
    await queue.ensureTables();
    for (let item = 0; item < 3; item++) await queue.enqueue({ body: "long ".repeat(100) });
    clock.now = 1_000 * MINUTE_MS;
    await queue.enqueue({ body: "last" });
    const { firstPosition, capacity } = await queue.trim();
    expect({ firstPosition, capacity }).toEqual({
      firstPosition: 4,
      capacity: { requests: 6, readUnits: 3, writeUnits: 3 },
    });
    expect(await bodies(queue.read(4))).toEqual(["last"]);
    await expect(collect(queue.read(1))).rejects.toMatchObject({ code: "queueTrimmed" });
  });
});

describe("following", () => {
  it("reads to the end, and what comes then, until it is stopped", async () => {
    const { queue } = await filled({ items: 2 });
    const controller = new AbortController();
    const seen: unknown[] = [];
    for await (const { body } of queue.follow({ from: 2, pollIntervalMs: 1, signal: controller.signal })) {
      seen.push(body);
      if (seen.length === 3) await queue.enqueue([{ body: "x" }, { body: "y" }]);
      if (seen.length === 5) controller.abort();
    }
    expect(seen).toEqual([2, 3, 4, "x", "y"]);
    const later: unknown[] = [];
    const follow = queue.follow({ pollIntervalMs: 1 })[Symbol.asyncIterator]();
    const next = follow.next();
    await queue.tail();
    await queue.enqueue({ body: "z" });
    later.push((await next).value?.body);
    await follow.return?.();
    expect(later).toEqual(["z"]);
  });
});
